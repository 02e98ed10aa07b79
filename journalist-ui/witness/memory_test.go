package witness

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"
	"sync"
)

// A memory is a disk that forgets what was not synced, as a machine does that
// loses power: a file's bytes until its Sync, names until their folder's. It
// can be made to die at its n-th change.
type memory struct {
	mu      sync.Mutex
	names   map[string]*content // as a program sees them
	durable map[string]*content // as they will be found after the crash
	folders map[string]bool
	left    int // changes until it dies; negative: never
	tear    bool
	changes int
}

type content struct{ data, durable []byte }

var errDied = errors.New("the machine died")

func newMemory() *memory {
	return &memory{names: map[string]*content{}, durable: map[string]*content{}, folders: map[string]bool{".": true}, left: -1}
}

// step counts a change, and is false from the one on at which it dies.
func (m *memory) step() bool {
	if m.left == 0 {
		return false
	}
	m.left--
	m.changes++
	return true
}

// crash returns the disk as it is found afterwards. With everything, what was
// not synced happens to be there too.
func (m *memory) crash(everything bool) *memory {
	after := newMemory()
	maps.Copy(after.folders, m.folders)
	names := m.durable
	if everything {
		names = m.names
	}
	for name, c := range names {
		data := c.durable
		if everything {
			data = c.data
		}
		fresh := &content{data: append([]byte(nil), data...), durable: append([]byte(nil), data...)}
		after.names[name], after.durable[name] = fresh, fresh
	}
	return after
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &handle{m, c}, nil
}

func (m *memory) edit(name string) (file, error) { return m.open(name) }

func (m *memory) create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.folders[path.Dir(name)] {
		return nil, fs.ErrNotExist
	}
	if !m.step() {
		return nil, errDied
	}
	c, ok := m.names[name]
	if !ok {
		c = &content{}
		m.names[name] = c
	}
	c.data = nil
	return &handle{m, c}, nil
}

func (m *memory) rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.step() {
		return errDied
	}
	m.names[to] = m.names[from]
	delete(m.names, from)
	return nil
}

func (m *memory) mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.step() {
		return errDied
	}
	m.folders[name] = true
	return nil
}

func (m *memory) list(name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.folders[name] {
		return nil, fs.ErrNotExist
	}
	var names []string
	for n := range m.names {
		if path.Dir(n) == name {
			names = append(names, path.Base(n))
		}
	}
	return names, nil
}

func (m *memory) syncFolder(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.step() {
		return errDied
	}
	in := func(n string) bool { return path.Dir(n) == name }
	maps.DeleteFunc(m.durable, func(n string, _ *content) bool { return in(n) })
	for n, c := range m.names {
		if in(n) {
			m.durable[n] = c
		}
	}
	return nil
}

type handle struct {
	m *memory
	c *content
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	return strings.NewReader(string(h.c.data[:])).ReadAt(p, off)
}

// WriteAt may stop half-way when the machine dies.
func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	alive := h.m.step()
	if !alive {
		if !h.m.tear {
			return 0, errDied
		}
		p = p[:len(p)/2]
	}
	if missing := off + int64(len(p)) - int64(len(h.c.data)); missing > 0 {
		h.c.data = append(h.c.data, make([]byte, missing)...)
	}
	copy(h.c.data[off:], p)
	if !alive {
		return len(p), io.ErrShortWrite
	}
	return len(p), nil
}

func (h *handle) Truncate(size int64) error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if !h.m.step() {
		return errDied
	}
	if size < int64(len(h.c.data)) {
		h.c.data = h.c.data[:size:size]
	}
	return nil
}

func (h *handle) Sync() error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if !h.m.step() {
		return errDied
	}
	h.c.durable = append([]byte(nil), h.c.data...)
	return nil
}

func (h *handle) Close() error { return nil }
