package codec

import (
	"errors"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// zstdHeader is the header of every zstd frame, which is therefore not stored:
// magic number, no content size, no checksum, no dictionary, a window of 1 MiB
// (RFC 8878, section 3.1.1). What is stored is the frame's blocks. To decode
// them, put this header in front and use any zstd decoder.
const zstdHeader = "\x28\xb5\x2f\xfd\x00\x50"

// zstdEncoder makes zstd blocks. The zero value is ready.
type zstdEncoder struct {
	enc    *zstd.Encoder
	frame  []byte
	header zstd.Header
}

// appendBlocks appends the blocks of the zstd frame of b. If that fails it
// appends b itself, which is never shorter than wanted.
func (z *zstdEncoder) appendBlocks(dst, b []byte) []byte {
	if z.enc == nil {
		enc, err := zstd.NewWriter(nil,
			// The next level makes index states 0.6 % smaller and takes 1 MB more.
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(256<<10), // costs memory; few chunks are longer
			zstd.WithEncoderCRC(false),
			zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true),
			zstd.WithSingleSegment(false))
		if err != nil { // cannot be: the options are constant
			return append(dst, b...)
		}
		z.enc = enc
	}
	z.frame = z.enc.EncodeAll(b, z.frame[:0])
	if err := z.header.Decode(z.frame); err != nil || z.header.HasCheckSum || z.header.DictionaryID != 0 {
		return append(dst, b...)
	}
	return append(dst, z.frame[z.header.HeaderSize:]...)
}

// zstdDecoder restores what zstdEncoder made. The zero value is ready.
type zstdDecoder struct {
	dec   *zstd.Decoder
	frame []byte
}

var errZstdBlocks = errors.New("blocks do not end where the data ends")

// decode appends exactly n bytes to dst, or fails.
func (z *zstdDecoder) decode(dst []byte, n int, data []byte) ([]byte, error) {
	if z.dec == nil {
		dec, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxChunk),
			zstd.WithDecoderMaxWindow(MaxChunk),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
		z.dec = dec
	}
	if !oneFrame(data) {
		return nil, &damage{text: "zstd", cause: errZstdBlocks}
	}
	z.frame = append(append(z.frame[:0], zstdHeader...), data...)
	start := len(dst)
	dst = slices.Grow(dst, n)
	out, err := z.dec.DecodeAll(z.frame, dst[:start:start+n])
	if err != nil {
		return nil, &damage{text: "zstd", cause: err}
	}
	if len(out) != start+n {
		return nil, damaged("zstd data of %d bytes instead of %d", len(out)-start, n)
	}
	return dst[:start+n], nil
}

// oneFrame reports whether b is the blocks of one frame and nothing else, so
// that the decoder is never led to a second frame with other parameters.
func oneFrame(b []byte) bool {
	for len(b) >= 3 {
		head := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size := int(head >> 3)
		if head>>1&3 == 1 { // one byte, repeated
			size = 1
		}
		if b = b[3:]; size > len(b) {
			return false
		}
		b = b[size:]
		if head&1 != 0 { // the last block
			return len(b) == 0
		}
	}
	return false
}
