package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math"
)

// An image is the vault's file, read without trusting it. bbolt maps it into
// memory and believes what it finds: a damaged page may end the program. Here
// pages are read one by one, and whatever is not as bbolt v1.5 writes it is an
// error. bbolt's integers are those of the machine.
type image struct {
	r        io.ReaderAt
	size     int64 // of the file, in bytes
	pageSize int64
	headers  [2]fileHeader
	meta     fileHeader // the one in force
	// settled says that the vault was closed: free pages are zeros; see settle.
	settled bool

	used  []uint64 // a bit for each page that claim was called for
	count uint64   // of them
	known map[uint64]node
}

// A fileHeader is one of the two pages (bbolt: meta pages) that say where all
// else is. They take turns: each transaction writes the other one.
type fileHeader struct {
	root, freelist, pages, txid uint64
	valid                       bool // its checksum is right
	flawed                      bool // a byte that its checksum does not cover is wrong
}

const (
	noFreelist = math.MaxUint64

	pageHeader    = 16 // bytes: id (8), kind (2), count (2), pages behind the first (4)
	elementSize   = 16
	headerSize    = 64 // of what a header page holds
	headerMagic   = 0xED0CDAED
	headerVersion = 2
	minPageSize   = 1 << 10
	maxPageSize   = 1 << 16

	branchPage   = 0x01
	leafPage     = 0x02
	headerPage   = 0x04
	freelistPage = 0x10

	// maxNode bounds a page with the pages behind it, in bytes: bbolt puts up to
	// four values into one, and the largest are orders.
	maxNode = 5 * maxOrder
)

var (
	native = binary.NativeEndian

	errHeaders = errors.New("both headers are damaged")
	errCut     = errors.New("the file is cut short")
)

// openImage reads the headers. Without a good one there is nothing to read.
func openImage(r interface {
	io.ReaderAt
	io.Seeker
}) (*image, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	g := &image{r: r, size: size, known: map[uint64]node{}}
	for g.pageSize = minPageSize; g.pageSize <= maxPageSize; g.pageSize *= 2 {
		g.headers = [2]fileHeader{g.readHeader(0), g.readHeader(1)}
		if g.headers[0].valid || g.headers[1].valid {
			g.choose()
			return g, nil
		}
	}
	return nil, errHeaders
}

func (g *image) choose() {
	a, b := g.headers[0], g.headers[1]
	g.meta = a
	if !a.valid || b.valid && b.txid > a.txid {
		g.meta = b
	}
	g.settled = a.valid && b.valid && a.root == b.root && a.freelist != noFreelist && b.freelist != noFreelist
	g.used = make([]uint64, min(g.meta.pages, uint64(g.size/g.pageSize))/64+1)
}

// other is the header that is not in force.
func (g *image) other() fileHeader {
	if g.meta == g.headers[0] {
		return g.headers[1]
	}
	return g.headers[0]
}

func (g *image) readHeader(n uint64) (h fileHeader) {
	page := make([]byte, g.pageSize)
	if readFull(g.r, page, int64(n)*g.pageSize) != nil {
		return h
	}
	m := page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(m[:headerSize-8])
	h = fileHeader{root: native.Uint64(m[16:]), freelist: native.Uint64(m[32:]), pages: native.Uint64(m[40:]), txid: native.Uint64(m[48:])}
	h.valid = sum.Sum64() == native.Uint64(m[56:]) && native.Uint32(m) == headerMagic &&
		native.Uint32(m[4:]) == headerVersion && int64(native.Uint32(m[8:])) == g.pageSize
	h.flawed = !bytes.Equal(page[:pageHeader], pageHead(n, headerPage, 0, 0)) || !isZero(m[headerSize:])
	return h
}

func pageHead(id uint64, kind, count uint16, behind uint32) []byte {
	b := native.AppendUint64(nil, id)
	b = native.AppendUint16(b, kind)
	b = native.AppendUint16(b, count)
	return native.AppendUint32(b, behind)
}

// end is where the last page ends.
func (g *image) end() int64 { return int64(g.meta.pages) * g.pageSize }

// claim notes that pages are in use, once.
func (g *image) claim(first, n uint64) error {
	for id := first; id < first+n; id++ {
		if g.isUsed(id) {
			return fmt.Errorf("page %d is used twice", id)
		}
	}
	for id := first; id < first+n; id++ {
		g.used[id/64] |= 1 << (id % 64)
	}
	g.count += n
	return nil
}

func (g *image) isUsed(id uint64) bool {
	return id/64 < uint64(len(g.used)) && g.used[id/64]&(1<<(id%64)) != 0
}

// inFile returns an error unless the file has these pages.
func (g *image) inFile(first, n uint64) error {
	if first < 2 || n > g.meta.pages || first > g.meta.pages-n {
		return fmt.Errorf("there is no page %d", first)
	}
	if first+n > uint64(g.size/g.pageSize) {
		return errCut
	}
	return nil
}

// listed yields the pages that a header's list of free pages has, and stops at
// the first thing wrong with it.
func (g *image) listed(h fileHeader) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		n, at, count, err := g.openList(h)
		last := uint64(1)
		for buf := []byte(nil); err == nil && count > 0; count-- {
			if len(buf) == 0 {
				buf = make([]byte, min(count*8, 1<<16))
				if err = readFull(g.r, buf, at); err != nil {
					break
				}
				at += int64(len(buf))
			}
			id := native.Uint64(buf)
			buf = buf[8:]
			if id <= last || id >= h.pages || id >= h.freelist && id < h.freelist+n {
				err = fmt.Errorf("it lists page %d", id)
				break
			}
			last = id
			if !yield(id, nil) {
				return
			}
		}
		if err != nil {
			yield(0, fmt.Errorf("the list of free pages is %w: %w", ErrDamaged, err))
		}
	}
}

// openList reads the head of a list of free pages, which has n pages, and count
// ids from at on.
func (g *image) openList(h fileHeader) (n uint64, at int64, count uint64, err error) {
	var head [pageHeader + 8]byte
	if err = g.inFile(h.freelist, 1); err == nil {
		err = readFull(g.r, head[:], int64(h.freelist)*g.pageSize)
	}
	if err != nil {
		return 0, 0, 0, err
	}
	n, at = uint64(native.Uint32(head[12:]))+1, int64(h.freelist)*g.pageSize+pageHeader
	if count = uint64(native.Uint16(head[10:])); count == math.MaxUint16 {
		count, at = native.Uint64(head[pageHeader:]), at+8
	}
	if err = g.inFile(h.freelist, n); err != nil {
		return 0, 0, 0, err
	}
	whole := bytes.Equal(head[:10], pageHead(h.freelist, freelistPage, 0, 0)[:10])
	// bbolt asks for room for what was free before it took that room from it, or not.
	asked := n == g.roomFor(count) || n == g.roomFor(count+n)
	if end := int64(h.freelist+n) * g.pageSize; !whole || !asked || count > uint64(end-at)/8 {
		return 0, 0, 0, errors.New("its head is wrong")
	}
	return n, at, count, nil
}

// roomFor is how many pages bbolt asks for to write a list of so many ids.
func (g *image) roomFor(count uint64) uint64 {
	if count >= math.MaxUint16 {
		count++
	}
	return (pageHeader+8*count)/uint64(g.pageSize) + 1
}

func readFull(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return errCut
	}
	return err
}

var zeros [4096]byte

func isZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
