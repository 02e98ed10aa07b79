//go:build crash && linux && amd64

package trace

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// An undo remembers what the program changed and did not sync, and can take it
// back.
type undo struct {
	stash   string // a folder on the same file system
	changes []*change
	stashed int
}

// A change is one page, one length or one name.
type change struct {
	owner  inode // of the file, or of the folder of a name
	isName bool
	done   bool // the call has returned
	back   func() error
	close  func()
}

type inode struct{ dev, ino uint64 }

// synced is what a call under way adds, or what it makes durable.
type synced struct {
	added []*change
	sync  inode
	upTo  int // changes that were there when a sync began
}

func inodeOf(path string) (id inode, size int64, err error) {
	var s syscall.Stat_t
	err = syscall.Stat(path, &s)
	return inode{s.Dev, s.Ino}, s.Size, err
}

// enter notes what a call is about to change. It must run before the call does.
func (u *undo) enter(tid int, info callInfo, wanted bool) *synced {
	if !wanted {
		return nil
	}
	c := calls[info.Nr]
	s := &synced{upTo: len(u.changes)}
	path := fdPath(tid, info.Args[0])
	switch c.name {
	case "pwrite64":
		s.added = u.pages(path, int64(info.Args[3]), int64(info.Args[2]))
	case "fallocate": // it can punch holes
		s.added = u.pages(path, int64(info.Args[2]), int64(info.Args[3]))
	case "ftruncate":
		s.added = u.length(path)
	case "fsync", "fdatasync":
		s.sync, _, _ = inodeOf(path)
	case "rename", "link":
		s.added = u.name(textAt(tid, info.Args[c.path]), textAt(tid, info.Args[fromArg(info.Nr)]), c.name)
	case "unlink":
		s.added = u.name(textAt(tid, info.Args[c.path]), "", c.name)
	case "create":
		name := textAt(tid, info.Args[c.path])
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			s.added = u.name(name, "", c.name)
		}
	}
	u.changes = append(u.changes, s.added...)
	return s
}

// fromArg is the argument with the older name.
func fromArg(nr uint64) int {
	if nr == syscall.SYS_RENAME || nr == syscall.SYS_LINK {
		return 0
	}
	return 1
}

// leave notes that a call succeeded.
func (u *undo) leave(s *synced) {
	if s == nil {
		return
	}
	for _, c := range s.added {
		c.done = true
	}
	if s.sync == (inode{}) {
		return
	}
	kept := u.changes[:0]
	for i, c := range u.changes {
		if i < s.upTo && c.done && c.owner == s.sync {
			if c.close != nil {
				c.close()
			}
			continue
		}
		kept = append(kept, c)
	}
	u.changes = kept
}

// pages cuts a write into pages, each of which may reach the disk or not.
func (u *undo) pages(path string, at, size int64) (added []*change) {
	id, length, err := inodeOf(path)
	f, openErr := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil || openErr != nil {
		return nil
	}
	for end := at + size; at < end; {
		next := min(end, (at/int64(pageSize)+1)*int64(pageSize))
		was := make([]byte, max(0, min(next, length)-at))
		_, err := f.ReadAt(was, at)
		from, zeros := at, next-at-int64(len(was))
		added = append(added, &change{owner: id, back: func() error {
			if err != nil {
				return err
			}
			_, err := f.WriteAt(append(was, make([]byte, zeros)...), from)
			return err
		}})
		at = next
	}
	return append(added, lengthOf(f, id, length))
}

func lengthOf(f *os.File, id inode, length int64) *change {
	return &change{owner: id, close: func() { f.Close() }, back: func() error {
		if _, now, err := inodeOf(fdPath(os.Getpid(), uint64(f.Fd()))); err != nil || now <= length {
			return err
		}
		return f.Truncate(length)
	}}
}

func (u *undo) length(path string) []*change {
	id, length, err := inodeOf(path)
	f, openErr := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil || openErr != nil {
		return nil
	}
	return []*change{lengthOf(f, id, length)}
}

// name keeps what a name stood for, as a link in the stash.
func (u *undo) name(name, from, call string) []*change {
	folder, _, err := inodeOf(filepath.Dir(name))
	if err != nil {
		return nil
	}
	kept := ""
	if call != "create" && call != "link" {
		if info, err := os.Lstat(name); err == nil {
			if info.Mode().Type() == os.ModeSocket {
				return nil // nothing is lost with it
			}
			u.stashed++
			kept = filepath.Join(u.stash, fmt.Sprint("kept-", u.stashed))
			if os.Link(name, kept) != nil {
				return nil
			}
		}
	}
	return []*change{{owner: folder, isName: true, back: func() (err error) {
		if call == "rename" {
			err = os.Rename(name, from)
		} else if call != "unlink" {
			err = os.Remove(name)
		}
		if kept != "" {
			err = errors.Join(err, os.Link(kept, name))
		}
		return err
	}}}
}

// cut takes back what was not synced: of names the last ones, as a journal does,
// of pages and lengths any. It returns how many.
func (u *undo) cut(seed uint64) (undone int, err error) {
	random := rand.New(rand.NewPCG(seed, seed))
	share := random.IntN(3) // all that was not synced is lost, or a half, or a little
	names := 0
	for _, c := range u.changes {
		if c.done && c.isName {
			names++
		}
	}
	stay := random.IntN(names + 1)
	for _, c := range slices.Backward(u.changes) {
		switch {
		case !c.done:
			continue
		case c.isName:
			if names--; names < stay {
				continue
			}
		case share > 0 && random.IntN(2*share) > 0:
			continue
		}
		undone++
		err = errors.Join(err, c.back())
	}
	return undone, err
}
