package jsonscan

// maxSource is the longest "source" member that is looked at, in bytes.
const maxSource = 64 << 10

// sourceName is the member's name as it must be written: an escape in it makes
// it another name here.
const sourceName = `"source"`

// What a capture is busy with.
const (
	captureNothing = iota
	captureName    // a name of the top-level object
	captureValue   // the value of its "source" member
)

// A capture keeps the raw value of the top-level "source" member while it
// passes. The scanner tells it of the names of the top-level object only; for
// all the rest of a document it does nothing.
type capture struct {
	busy    uint8
	matched bool   // the last name was sourceName
	tooLong bool   // what is captured now is over the limit, and is dropped
	mark    int    // where it begins, or goes on, in the bytes being written
	buf     []byte // of it, what earlier writes had
	source  []byte // the last whole "source" value, nil if none or too long
}

// nameStart says that p[i] opens a name.
func (c *capture) nameStart(i int) { c.start(captureName, i) }

// nameEnd says that a name ends before p[i].
func (c *capture) nameEnd(p []byte, i int) {
	if c.busy == captureName {
		c.matched = string(c.take(p, i)) == sourceName
	}
}

// valueStart says that the value of the last name, with the white space around
// it, begins at p[i].
func (c *capture) valueStart(i int) {
	if c.matched {
		c.start(captureValue, i)
	}
}

// valueEnd says that the value of a top-level member ends before p[i].
func (c *capture) valueEnd(p []byte, i int) {
	if c.busy == captureValue {
		c.source = append([]byte(nil), c.take(p, i)...)
		c.matched = false
	}
}

// keep copies what is captured out of p, which is about to go.
func (c *capture) keep(p []byte) {
	if c.busy != captureNothing {
		c.add(p[c.mark:])
		c.mark = 0
	}
}

func (c *capture) start(what uint8, i int) {
	c.busy, c.mark, c.buf, c.tooLong = what, i, c.buf[:0], false
}

// take ends the capture before p[i] and returns what it has, nil if that is too
// long. The result is good until the next start.
func (c *capture) take(p []byte, i int) []byte {
	c.busy = captureNothing
	c.add(p[c.mark:i])
	if c.tooLong {
		return nil
	}
	return c.buf
}

func (c *capture) add(b []byte) {
	limit := maxSource
	if c.busy == captureName {
		limit = len(sourceName)
	}
	if c.tooLong = c.tooLong || len(c.buf)+len(b) > limit; !c.tooLong {
		c.buf = append(c.buf, b...)
	}
}
