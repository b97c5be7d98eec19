package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// MaxManifestChunks is the largest number of chunks of one document.
const MaxManifestChunks = 1 << 26

// manifestCheck is the length in bytes of a manifest's own check.
const manifestCheck = 8

// Run is N chunks with the ids First, First+1, …, First+N-1.
type Run struct {
	First, N int64
}

// AddToRuns adds the next chunk of a document to its runs, and returns them. As
// with append, the result may share memory with runs.
func AddToRuns(runs []Run, id int64) []Run {
	if n := len(runs); n > 0 && runs[n-1].First+runs[n-1].N == id {
		runs[n-1].N++
		return runs
	}
	return append(runs, Run{First: id, N: 1})
}

// AppendManifest appends to dst the manifest of a document with the chunks ids,
// in order. Ids are positive, and at most [MaxManifestChunks] of them; others
// make a manifest that [ParseRuns] refuses.
//
// A manifest is, for each run of consecutive ids, as long as possible:
//
//   - the first id less the end of the run before it (one more than its last id;
//     0 for the first run), a signed number d written as the unsigned varint
//     2*d if d >= 0, else -2*d-1;
//   - the number of ids in the run, an unsigned varint;
//
// and after the last run the first 8 bytes of the SHA-256 over all of that.
// A varint has 7 bits in each byte, the lowest first, and the top bit set in all
// bytes but the last (LEB128), in the fewest bytes possible.
func AppendManifest(dst []byte, ids []int64) []byte {
	var runs []Run
	for _, id := range ids {
		runs = AddToRuns(runs, id)
	}
	return AppendRuns(dst, runs)
}

// AppendRuns is [AppendManifest] for chunks given as runs, no two of which could
// be one.
func AppendRuns(dst []byte, runs []Run) []byte {
	start := len(dst)
	end := int64(0)
	for _, r := range runs {
		d := r.First - end
		dst = binary.AppendUvarint(dst, uint64(d)<<1^uint64(d>>63))
		dst = binary.AppendUvarint(dst, uint64(r.N))
		end = r.First + r.N
	}
	sum := sha256.Sum256(dst[start:])
	return append(dst, sum[:manifestCheck]...)
}

// ParseRuns returns the runs of a manifest, and the number of chunks in all of
// them together. It needs memory in proportion to data only, whatever data says.
// Errors match [idxdb.ErrCorrupt]; damage is found before anything is returned.
func ParseRuns(data []byte) (runs []Run, total int64, err error) {
	if len(data) < manifestCheck {
		return nil, 0, damaged("manifest of %d bytes is shorter than its check", len(data))
	}
	body, check := data[:len(data)-manifestCheck], data[len(data)-manifestCheck:]
	if sum := sha256.Sum256(body); !bytes.Equal(check, sum[:manifestCheck]) {
		return nil, 0, damaged("manifest of %d bytes does not match its check", len(data))
	}
	runs = make([]Run, 0, len(body)/2)
	end := int64(0)
	for len(body) > 0 {
		z, n := uvarint(body)
		count, m := uvarint(body[n:])
		if n == 0 || m == 0 {
			return nil, 0, damaged("manifest run %d has a malformed number", len(runs))
		}
		body = body[n+m:]
		d := int64(z>>1) ^ -int64(z&1)
		// end is not negative, so a sum that is too large shows as negative.
		first := end + d
		if d == 0 || first <= 0 || count == 0 || count > MaxManifestChunks || first > math.MaxInt64-int64(count) {
			return nil, 0, damaged("manifest run %d of %d chunks at distance %d from %d is not possible", len(runs), count, d, end)
		}
		end = first + int64(count)
		total += int64(count)
		if total > MaxManifestChunks {
			return nil, 0, damaged("manifest has more than %d chunks", MaxManifestChunks)
		}
		runs = append(runs, Run{First: first, N: int64(count)})
	}
	return runs, total, nil
}

// ParseManifest returns the ids of a manifest one by one. It needs up to
// 8*[MaxManifestChunks] bytes of memory for a manifest of some bytes; use
// [ParseRuns] where the manifest may be hostile. Errors match
// [idxdb.ErrCorrupt].
func ParseManifest(data []byte) ([]int64, error) {
	runs, total, err := ParseRuns(data)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, total)
	for _, r := range runs {
		for i := range r.N {
			ids = append(ids, r.First+i)
		}
	}
	return ids, nil
}

// uvarint returns the unsigned varint at the start of b and its length, or a
// length of 0 if there is none, or one that is not written in the fewest bytes.
func uvarint(b []byte) (uint64, int) {
	v, n := binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return v, n
}
