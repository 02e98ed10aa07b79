package offline

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Listen opens the desk's one listener. addr is an IP address of this machine
// itself (127.0.0.0/8 or ::1) and a port, 0 for any free one. Names are refused,
// "localhost" too: what a name means is decided by files and servers, not by us.
//
// It must come before Seal, which forbids it.
func Listen(addr string) (net.Listener, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Addr().Zone() != "" || !ap.Addr().Unmap().IsLoopback() {
		return nil, fmt.Errorf("the desk listens only on this machine itself, not on %q: use 127.0.0.1:0 or [::1]:0", addr)
	}
	network := "tcp6"
	if ap.Addr().Unmap().Is4() {
		network = "tcp4"
	}
	var lc net.ListenConfig
	// Multipath TCP would tell the peer of the machine's other addresses.
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), network, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String())
	if err != nil {
		return nil, fmt.Errorf("opening the desk's listener: %w", err)
	}
	return l, nil
}
