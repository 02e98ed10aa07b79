package onion

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sourdine/vault/clientkey"
)

// MaxClients is how many clients one service may have. More do not fit into a
// descriptor, whose size the Tor network limits to 50,000 bytes.
const MaxClients = 256

// Service is a site to publish.
type Service struct {
	Key    ServiceKey
	Port   int    // port of the address, 1 to 65535; 0 means 80
	Socket string // unix socket that tor connects to; see CheckSocketPath

	// RequireClients closes the service to everyone but Clients. Without a
	// client it is then not published at all. Services that do not require
	// clients cannot have any: a list that ran empty must not open a service.
	RequireClients bool
	Clients        []clientkey.Public

	// ProofOfWork lets tor ask visitors for work while the service is flooded
	// (Tor proposal 327; tor 0.4.9 or later with its pow module).
	ProofOfWork bool
}

// checked returns s with its defaults filled in and its clients sorted, each
// once, or says what is wrong with it.
func (s Service) checked() (Service, error) {
	if err := s.Key.check(); err != nil {
		return s, fmt.Errorf("service key: %w", err)
	}
	if s.Port == 0 {
		s.Port = 80
	}
	if s.Port < 1 || s.Port > 65535 {
		return s, fmt.Errorf("port %d is not between 1 and 65535", s.Port)
	}
	if err := CheckSocketPath(s.Socket); err != nil {
		return s, err
	}
	clients, err := s.admit(s.Clients)
	s.Clients = clients
	return s, err
}

// admit checks a list of clients for this service and puts it in order.
func (s Service) admit(clients []clientkey.Public) ([]clientkey.Public, error) {
	if !s.RequireClients && len(clients) > 0 {
		return nil, errors.New("a service that does not require clients was given some")
	}
	for _, c := range clients {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	clients = slices.Clone(clients)
	slices.SortFunc(clients, func(a, b clientkey.Public) int { return strings.Compare(a.String(), b.String()) })
	clients = slices.CompactFunc(clients, clientkey.Public.Equal)
	if len(clients) > MaxClients {
		return nil, fmt.Errorf("%d clients, a service can have %d", len(clients), MaxClients)
	}
	return clients, nil
}

// announceable is the gate before every announcement: a service that requires
// clients and has none stays unpublished.
func (s Service) announceable() bool { return !s.RequireClients || len(s.Clients) > 0 }

// command is the ADD_ONION line for s, which must be checked and announceable.
// The answer does not repeat a key that was given, and the service ends with
// the connection because "Detach" is not among the flags.
func (s Service) command() (string, error) {
	if !s.announceable() {
		return "", errors.New("a service that requires clients has none")
	}
	var b strings.Builder
	b.WriteString("ADD_ONION " + s.Key.blob())
	if s.RequireClients {
		b.WriteString(" Flags=V3Auth")
	}
	if s.ProofOfWork {
		b.WriteString(" PoWDefensesEnabled=1")
	}
	fmt.Fprintf(&b, " Port=%d,unix:%s", s.Port, s.Socket)
	for _, c := range s.Clients {
		b.WriteString(" ClientAuthV3=" + c.String())
	}
	return b.String(), nil
}
