package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Limits of a frame, in any version of the format.
const (
	MaxFrame       = 16 << 20 // bytes of its plain form, and of its base
	MaxFrameChunks = 1 << 14
)

// A frame holds many chunks compressed together, so that what they have in common
// is stored once: successive contents of one place in a document differ by a few
// bytes. It may also have in common what newer contents say, which are its base:
// bytes that are not in it, and that decoding needs.
//
// Its plain form is a table of contents and then the bytes of all chunks. The
// table is the number of chunks, an unsigned varint, and for each chunk
//
//   - its id less the id of the chunk before it (0 for the first), a signed number
//     d written as the unsigned varint 2*d if d >= 0, else -2*d-1;
//   - its length in bytes, an unsigned varint.
//
// What is stored is one complete zstd frame (RFC 8878) of the plain form, with
// its length and a checksum, and without an id of a dictionary. If there is a
// base, it is a dictionary of raw content: the form of zstd --patch-from=BASE.

// A FrameChunk is an entry of a frame's table of contents.
type FrameChunk struct {
	ID   int64 // positive
	Size int   // in bytes, 1 to MaxChunk
}

// A FrameEncoder makes frames. It is not safe for concurrent use. It keeps
// buffers of a few times the largest frame.
type FrameEncoder struct {
	enc        *zstd.Encoder
	plain, out []byte
}

// Encode returns the frame of chunks, whose bytes one after another are content,
// and the length of its plain form, which whoever decodes it must know, as well as
// base, which may be empty. The frame is valid until the next call.
func (e *FrameEncoder) Encode(chunks []FrameChunk, content, base []byte) (size int, data []byte, err error) {
	if len(base) > MaxFrame {
		return 0, nil, fmt.Errorf("a base of %d bytes is longer than %d", len(base), MaxFrame)
	}
	if len(chunks) < 1 || len(chunks) > MaxFrameChunks {
		return 0, nil, fmt.Errorf("a frame has 1 to %d chunks, not %d", MaxFrameChunks, len(chunks))
	}
	e.plain = binary.AppendUvarint(e.plain[:0], uint64(len(chunks)))
	last, total := int64(0), 0
	for _, c := range chunks {
		if c.ID < 1 || c.Size < 1 || c.Size > MaxChunk {
			return 0, nil, fmt.Errorf("a frame cannot hold a chunk %d of %d bytes", c.ID, c.Size)
		}
		e.plain = binary.AppendVarint(e.plain, c.ID-last)
		e.plain = binary.AppendUvarint(e.plain, uint64(c.Size))
		last = c.ID
		total += c.Size
	}
	if total != len(content) {
		return 0, nil, fmt.Errorf("the chunks of a frame have %d bytes instead of %d", len(content), total)
	}
	if size = len(e.plain) + total; size > MaxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes is longer than %d", size, MaxFrame)
	}
	e.plain = append(e.plain, content...)
	if e.enc == nil {
		// One level more makes frames 0.5 % smaller and takes four times as long.
		e.enc, err = zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithWindowSize(MaxFrame),
			zstd.WithEncoderCRC(true),
			zstd.WithSingleSegment(true), // so that it has its length, however short
			zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true))
		if err != nil {
			return 0, nil, err
		}
	}
	dictionary := zstd.WithEncoderDictDelete()
	if len(base) > 0 {
		dictionary = zstd.WithEncoderDictRaw(0, base)
	}
	if err := e.enc.ResetWithOptions(nil, dictionary); err != nil {
		return 0, nil, err
	}
	e.out = e.enc.EncodeAll(e.plain, e.out[:0])
	return size, e.out, nil
}

// A FrameDecoder restores frames. It is not safe for concurrent use. It keeps a
// buffer of the size of the largest frame it was given.
type FrameDecoder struct {
	dec    *zstd.Decoder
	plain  []byte
	chunks []FrameChunk
	header zstd.Header
}

var errNotOneFrame = errors.New("not one zstd frame of the right form")

// Decode returns the chunks of a frame, and their bytes one after another. size
// is the length of the plain form, base what the frame was made with. The results
// are valid until the next call. It needs
// no more memory than a few times [MaxFrame], whatever the data. Errors match
// [idxdb.ErrCorrupt].
//
// The frame's checksum has 32 bits: what no error was found in should still be
// compared with a document's digest.
func (d *FrameDecoder) Decode(size int64, data, base []byte) ([]FrameChunk, []byte, error) {
	if size < 2 || size > MaxFrame {
		return nil, nil, damaged("a frame of %d bytes: a frame has 2 to %d", size, MaxFrame)
	}
	if len(base) > MaxFrame {
		return nil, nil, damaged("a base of %d bytes is longer than %d", len(base), MaxFrame)
	}
	if err := d.expand(int(size), data, base); err != nil {
		return nil, nil, err
	}
	content, err := d.parse(d.plain)
	if err != nil {
		return nil, nil, err
	}
	return d.chunks, content, nil
}

// expand decompresses data into plain.
func (d *FrameDecoder) expand(size int, data, base []byte) error {
	if err := d.header.Decode(data); err != nil {
		return &damage{text: "frame", cause: err}
	}
	h := &d.header
	if h.Skippable || !h.HasFCS || h.FrameContentSize != uint64(size) || !h.HasCheckSum || h.DictionaryID != 0 ||
		h.WindowSize > MaxFrame || len(data) < h.HeaderSize+4 || !oneFrame(data[h.HeaderSize:len(data)-4]) {
		return &damage{text: "frame", cause: errNotOneFrame}
	}
	if d.dec == nil {
		dec, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxFrame),
			zstd.WithDecoderMaxWindow(MaxFrame),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
		d.dec = dec
	}
	dictionary := zstd.WithDecoderDictDelete(0)
	if len(base) > 0 {
		dictionary = zstd.WithDecoderDictRaw(0, base)
	}
	if err := d.dec.ResetWithOptions(nil, dictionary); err != nil {
		return err
	}
	d.plain = slices.Grow(d.plain[:0], size)
	out, err := d.dec.DecodeAll(data, d.plain[:0:size])
	if err != nil {
		return &damage{text: "frame", cause: err}
	}
	if len(out) != size {
		return damaged("frame of %d bytes instead of %d", len(out), size)
	}
	d.plain = d.plain[:size]
	return nil
}

// parse fills chunks, and returns what follows the table of contents.
func (d *FrameDecoder) parse(plain []byte) (content []byte, err error) {
	count, n := uvarint(plain)
	rest := plain[n:]
	// Each chunk takes three bytes at least.
	if n == 0 || count < 1 || count > MaxFrameChunks || count > uint64(len(rest))/3 {
		return nil, damaged("frame with an impossible number of chunks, %d", count)
	}
	d.chunks = d.chunks[:0]
	id, total := int64(0), 0
	for range count {
		z, n := uvarint(rest)
		size, m := uvarint(rest[n:])
		if n == 0 || m == 0 {
			return nil, damaged("frame entry %d has a malformed number", len(d.chunks))
		}
		rest = rest[n+m:]
		// id is not negative, so a sum that is too large shows as negative.
		id += int64(z>>1) ^ -int64(z&1)
		if id < 1 || size < 1 || size > MaxChunk {
			return nil, damaged("frame entry %d, chunk %d of %d bytes, is not possible", len(d.chunks), id, size)
		}
		total += int(size)
		d.chunks = append(d.chunks, FrameChunk{ID: id, Size: int(size)})
	}
	if total != len(rest) {
		return nil, damaged("frame with %d bytes of chunks instead of %d", len(rest), total)
	}
	return rest, nil
}
