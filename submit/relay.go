package submit

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

const (
	// blockBytes is how much is read from the connection, hashed and sealed at
	// once: about as much as loopback holds ready. Larger ones were measured and
	// are no faster.
	blockBytes = 64 << 10

	// blocks is how many of them an item has: one being read, one being sealed,
	// one between.
	blocks = 3
)

// A relay takes from a reader and gives to a writer in another goroutine, so
// that receiving and sealing use two cores. The goroutine ends with close.
type relay struct {
	full, free chan []byte
	done       chan struct{}
	once       sync.Once
	failed     atomic.Bool
	err        error // the writer's; read after done
}

// newRelay starts the goroutine that writes to w.
func newRelay(w io.Writer) *relay {
	r := &relay{full: make(chan []byte, blocks), free: make(chan []byte, blocks), done: make(chan struct{})}
	for range blocks {
		r.free <- nil // made when it is needed: most items are small
	}
	go r.write(w)
	return r
}

func (r *relay) write(w io.Writer) {
	defer close(r.done)
	for block := range r.full {
		if r.err == nil {
			if r.err = writeSafely(w, block); r.err != nil {
				r.failed.Store(true)
			}
		}
		r.free <- block[:cap(block)]
	}
}

// writeSafely turns a panic into an error without its value, which may hold a
// source's words: the site's own guard does not reach this goroutine.
func writeSafely(w io.Writer, block []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	_, err = w.Write(block)
	return err
}

var errPanic = errors.New("sealing failed unexpectedly")

// copyFrom reads source to its end and returns how much it was. It stops early,
// without error, when the writer has failed: close tells.
func (r *relay) copyFrom(source io.Reader) (size int64, err error) {
	for !r.failed.Load() {
		block := <-r.free
		if block == nil {
			block = make([]byte, blockBytes)
		}
		n, err := io.ReadFull(source, block)
		size += int64(n)
		r.full <- block[:n]
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return size, nil // a source that was cut off has said so to its reader
		case err != nil:
			return size, err
		}
	}
	return size, nil
}

// close waits until everything is written, and returns the writer's error. What
// the blocks held is overwritten: the collector would leave it where it is, for
// whoever sees the process's memory later. It may be called again.
func (r *relay) close() error {
	r.once.Do(func() {
		close(r.full)
		<-r.done
		for range len(r.free) {
			clear(<-r.free)
		}
	})
	return r.err
}
