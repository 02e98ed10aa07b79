package vault

import (
	"errors"
	"strings"
	"sync"
	"syscall"
)

// ErrFull is wrapped by the error of a change for which there was no room: the
// disk is full, the quota used up, or the file as large as it may get. Nothing was
// changed, and when there is room again the next change finds it.
var ErrFull = errors.New("there is no room on the disk")

// isFull tells a disk that takes no more from everything else that can go wrong.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// fromDisk gives an error of bbolt's the system's own error: of what goes wrong
// while a file grows, it passes on the text only.
func fromDisk(err error) error {
	if err == nil || errors.As(err, new(syscall.Errno)) {
		return err
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EIO, syscall.EROFS} {
		if strings.HasSuffix(err.Error(), ": "+errno.Error()) {
			return diskError{err, errno}
		}
	}
	return err
}

type diskError struct {
	error
	errno syscall.Errno
}

func (e diskError) Unwrap() []error { return []error{e.error, e.errno} }

// A refusal remembers that there was no room.
type refusal struct {
	mu   sync.Mutex
	size int // bytes
	err  error
}

// Full returns why the last change failed for lack of room, or nil when there was
// none, or one as large was made since. The disk itself does not tell: a quota is
// not on it.
func (v *Vault) Full() error {
	v.full.mu.Lock()
	defer v.full.mu.Unlock()
	return v.full.err
}

// note remembers a change of that many bytes. One with a whole chunk is as good as
// any.
func (r *refusal) note(size int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size, r.err = max(r.size, min(size, chunkSize)), err
}

// pass forgets, when a change was large enough: a small one may find a page that
// was free.
func (r *refusal) pass(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size > 0 && size >= r.size {
		r.size, r.err = 0, nil
	}
}
