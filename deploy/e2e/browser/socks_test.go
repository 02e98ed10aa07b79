//go:build e2e

package browser

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// A socksProxy records which hosts it is asked for (RFC 1928, CONNECT only) and
// connects all of them to one server.
type socksProxy struct {
	net.Listener
	server string
	mu     sync.Mutex
	hosts  map[string]int
	wg     sync.WaitGroup
}

func newSOCKS(t *testing.T, server string) *socksProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &socksProxy{Listener: l, server: server, hosts: map[string]int{}}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() {
				defer conn.Close()
				if err := p.serve(conn); err != nil {
					t.Logf("proxy: %v", err)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); p.wg.Wait() })
	return p
}

func (p *socksProxy) serve(conn net.Conn) error {
	host, err := readRequest(conn)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.hosts[host]++
	p.mu.Unlock()
	up, err := net.Dial("tcp", p.server)
	if err != nil {
		return err
	}
	defer up.Close()
	if _, err := conn.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 80}); err != nil {
		return err
	}
	p.wg.Go(func() { io.Copy(up, conn); up.Close() })
	io.Copy(conn, up)
	return nil
}

func readRequest(conn net.Conn) (host string, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(conn, make([]byte, head[1])); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	request := make([]byte, 5) // version, command, reserved, kind of address, its first byte
	if _, err := io.ReadFull(conn, request); err != nil {
		return "", err
	}
	if request[1] != 1 || request[3] != 3 {
		return fmt.Sprintf("not a name: % x", request), nil
	}
	name := make([]byte, int(request[4])+2)
	if _, err := io.ReadFull(conn, name); err != nil {
		return "", err
	}
	return string(name[:len(name)-2]), nil
}

func (p *socksProxy) seen() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]int{}
	for host, n := range p.hosts {
		all[host] = n
	}
	return all
}
