package offline

import (
	"net"
	"strings"
	"testing"
)

func TestListenOnlyOnThisMachine(t *testing.T) {
	for _, addr := range []string{
		"", ":0", ":8080", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:80", "localhost:0",
		"127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "127.1:0", "0x7f000001:0",
		"[::1%lo]:0", "[fe80::1%lo]:0", "[::ffff:192.0.2.1]:0", "example.org:80", "unix:/tmp/x",
	} {
		l, err := Listen(addr)
		if err == nil {
			l.Close()
			t.Errorf("Listen(%q) opened %v", addr, l.Addr())
			continue
		}
		if !strings.Contains(err.Error(), "127.0.0.1:0") {
			t.Errorf("Listen(%q): no hint in %q", addr, err)
		}
	}
}

func TestListen(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.8.7.6:0", "[::ffff:127.0.0.1]:0", "[::1]:0"} {
		l, err := Listen(addr)
		if err != nil && addr == "[::1]:0" {
			t.Log("no IPv6 here:", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if a := l.Addr().(*net.TCPAddr); !a.IP.IsLoopback() || a.Port == 0 {
			t.Errorf("Listen(%q) opened %v", addr, a)
		}
	}
}
