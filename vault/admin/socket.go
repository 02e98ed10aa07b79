package admin

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// maxSocketPath is the longest path of a socket, in bytes: unix(7).
const maxSocketPath = 107

// IsServed tells whether a server answers on the home's control socket.
func (h Home) IsServed() bool {
	c, err := net.DialTimeout("unix", h.Socket(controlSocket), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was said
	return true
}

// Listen opens one of the home's sockets, for the home's owner only. The caller
// holds the vault: its lock says that a socket file that is there was left by a
// crash, and may be replaced.
func (h Home) Listen(name string) (net.Listener, error) {
	path := h.Socket(name)
	if over := len(path) - maxSocketPath; over > 0 {
		return nil, fmt.Errorf("the home's path is %d characters too long for the sockets in it", over)
	}
	failed := func(err error) error { return fmt.Errorf("failed to open the socket %s: %w", name, err) }
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, failed(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, failed(err)
	}
	if err := os.Chmod(path, fileMode); err != nil {
		return nil, errors.Join(failed(err), l.Close())
	}
	return l, nil
}
