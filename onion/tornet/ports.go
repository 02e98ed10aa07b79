package tornet

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net"
)

// Ports are taken below the range that systems hand out for outgoing
// connections (32768 on Linux): tor makes hundreds of those on loopback, and
// one of them could sit on a relay's port at the moment it is to be bound.
const (
	firstPort = 10000
	lastPort  = 32000
	portTries = 1000
)

// reservation holds ports open so that no other network picks them. Each is
// released just before the tor that is to bind it starts.
type reservation map[int]net.Listener

// reserve takes n free ports.
func reserve(n int) (reservation, []int, error) {
	r := make(reservation)
	var ports []int
	for range portTries {
		if len(ports) == n {
			return r, ports, nil
		}
		offset, err := rand.Int(rand.Reader, big.NewInt(lastPort-firstPort))
		if err != nil {
			r.releaseAll()
			return nil, nil, fmt.Errorf("choosing ports: %w", err)
		}
		port := firstPort + int(offset.Int64())
		if r[port] == nil && r.take(port) == nil {
			ports = append(ports, port)
		}
	}
	r.releaseAll()
	return nil, nil, fmt.Errorf("found no %d free ports on loopback", n)
}

// reserveThese takes the ports of an earlier run, or says which is in use.
func reserveThese(ports []int) (reservation, error) {
	r := make(reservation)
	for _, port := range ports {
		if err := r.take(port); err != nil {
			r.releaseAll()
			return nil, err
		}
	}
	return r, nil
}

func (r reservation) take(port int) error {
	l, err := net.Listen("tcp4", loopback(port))
	if err != nil {
		return fmt.Errorf("port %d: %w", port, err)
	}
	r[port] = l
	return nil
}

func (r reservation) release(ports ...int) {
	for _, port := range ports {
		if l := r[port]; l != nil {
			_ = l.Close()
			delete(r, port)
		}
	}
}

func (r reservation) releaseAll() {
	for port := range r {
		r.release(port)
	}
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
