package onion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sourdine/onion/internal/control"
	"sourdine/vault/clientkey"
)

// ErrWithheld is returned by WaitUploaded for a service that requires clients
// and has none, and is therefore not announced.
var ErrWithheld = errors.New("the service requires clients and has none, so it is not published")

var errWithdrawn = errors.New("the service was withdrawn")

// Published is a service in the hands of a Tor. Its methods may be called
// concurrently.
type Published struct {
	tor     *Tor
	address string
	uploads *uploads

	mu      sync.Mutex // held during changes, so that they happen one by one
	service Service
	live    bool // tor was told to announce it
	ended   bool // Withdraw was called
}

// Publish announces a service. A service that requires clients and has none is
// accepted but withheld until SetClients gives it one. The address is
// reachable some seconds later; see WaitUploaded.
func (t *Tor) Publish(ctx context.Context, s Service) (*Published, error) {
	s, err := s.checked()
	if err != nil {
		return nil, fmt.Errorf("publishing service: %w", err)
	}
	p := &Published{tor: t, address: s.Key.Address(), service: s, uploads: newUploads()}
	if err := t.enter(p); err != nil {
		return nil, fmt.Errorf("publishing service: %w", err)
	}
	if err := p.begin(ctx); err != nil {
		t.leave(p)
		return nil, fmt.Errorf("publishing service: %w", err)
	}
	return p, nil
}

// begin makes the first announcement.
func (p *Published) begin(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.service.RequireClients {
		// A tor that we attached to may have kept circuits from an earlier run
		// of ours, of clients that were removed since.
		if err := p.tor.cut(ctx, p.address); err != nil {
			return err
		}
	}
	return p.announce(ctx)
}

// enter registers p for events.
func (t *Tor) enter(p *Published) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errors.New("tor is closed")
	}
	if t.published[p.address] != nil {
		return errors.New("its key is in use by another service")
	}
	t.published[p.address] = p
	return nil
}

func (t *Tor) leave(p *Published) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.published, p.address)
}

// Address returns the service's address: 56 characters and ".onion".
func (p *Published) Address() string { return p.address }

// Live reports whether the service is announced: false for one that is
// withheld, withdrawn, or lost with its tor.
func (p *Published) Live() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live && !p.tor.lost()
}

// SetClients replaces the clients of a service that requires them. With an
// empty list the service is withdrawn, never opened, until a later call names
// clients again. After an error the service is either as before or withdrawn;
// Live tells.
//
// tor cannot change the clients of a running service, so it is withdrawn and
// announced anew: nobody new can enter for some seconds. When a client is
// removed, everybody is cut off, in the middle of a transfer too, for tor does
// not say which circuit is whose; when some are only added, nobody is. The
// same list again changes nothing.
func (p *Published) SetClients(ctx context.Context, clients []clientkey.Public) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return fmt.Errorf("setting clients: %w", errWithdrawn)
	}
	if !p.service.RequireClients {
		return errors.New("setting clients: the service is open to all")
	}
	clients, err := p.service.admit(clients)
	if err != nil {
		return fmt.Errorf("setting clients: %w", err)
	}
	next := p.service
	next.Clients = clients
	if slices.EqualFunc(clients, p.service.Clients, clientkey.Public.Equal) && p.live == next.announceable() {
		return nil
	}
	if err := p.retract(ctx); err != nil {
		return fmt.Errorf("setting clients: %w", err)
	}
	if !containsAll(clients, p.service.Clients) {
		if err := p.tor.cut(ctx, p.address); err != nil {
			return fmt.Errorf("setting clients, the service is withdrawn now: %w", err)
		}
	}
	p.service = next
	if err := p.announce(ctx); err != nil {
		return fmt.Errorf("setting clients, the service is withdrawn now: %w", err)
	}
	return nil
}

// containsAll reports whether every client of part is among all.
func containsAll(all, part []clientkey.Public) bool {
	return !slices.ContainsFunc(part, func(c clientkey.Public) bool {
		return !slices.ContainsFunc(all, c.Equal)
	})
}

// Withdraw ends the service and cuts off who is connected to it. Clients may
// remember its descriptor for hours, but nobody answers. Withdrawing twice is
// no error.
func (p *Published) Withdraw(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil
	}
	if err := p.retract(ctx); err != nil {
		return fmt.Errorf("withdrawing service: %w", err)
	}
	if err := p.tor.cut(ctx, p.address); err != nil && !errors.Is(err, control.ErrLost) {
		return fmt.Errorf("withdrawing service: %w", err)
	}
	p.ended = true
	p.tor.leave(p)
	return nil
}

// announce tells tor to publish the service unless it must be withheld. It
// needs p.mu.
func (p *Published) announce(ctx context.Context) error {
	p.uploads.begin()
	if !p.service.announceable() {
		return nil
	}
	command, err := p.service.command()
	if err != nil {
		return err
	}
	answer, err := p.tor.do(ctx, command)
	if err != nil {
		return explain(err)
	}
	p.live = true
	if err := p.confirm(answer); err != nil {
		return errors.Join(err, p.retract(ctx))
	}
	return nil
}

// confirm checks that tor understood the two things that matter: which address
// this is, and who may enter. tor repeats both.
func (p *Published) confirm(answer []string) error {
	clients := 0
	for _, line := range answer {
		if strings.HasPrefix(line, "ClientAuthV3=") {
			clients++
		}
	}
	if !slices.Contains(answer, "ServiceID="+strings.TrimSuffix(p.address, addressSuffix)) {
		return errors.New("tor announced another address than the key's")
	}
	if clients != len(p.service.Clients) {
		return fmt.Errorf("tor took %d of %d clients", clients, len(p.service.Clients))
	}
	return nil
}

// retract has tor forget the service. It needs p.mu.
func (p *Published) retract(ctx context.Context) error {
	if !p.live {
		return nil
	}
	_, err := p.tor.do(ctx, "DEL_ONION "+strings.TrimSuffix(p.address, addressSuffix))
	var refused *control.Refusal
	gone := errors.As(err, &refused) && refused.Code == 552 || // tor does not know it
		errors.Is(err, control.ErrLost) // it went with the connection
	if err != nil && !gone {
		return err
	}
	p.live = false
	p.uploads.begin()
	return nil
}

// explain adds what to do to the refusals of ADD_ONION that have a remedy.
func explain(err error) error {
	var refused *control.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case refused.Code == 550 && strings.Contains(refused.Reason, "collision"):
		return fmt.Errorf("%w (hint: this tor publishes the same key already, perhaps for another running server)", err)
	case strings.Contains(refused.Reason, "PoW"):
		return fmt.Errorf("%w (hint: proof-of-work defence needs tor 0.4.9 or later, built with its pow module)", err)
	}
	return err
}

// WaitUploaded returns when the descriptor has been stored by at least half of
// the directories that tor chose, from where clients can find it. It returns
// ErrWithheld for a service that is not announced for want of clients, and
// fails when the service is withdrawn, tor is lost or ctx ends.
func (p *Published) WaitUploaded(ctx context.Context) error {
	for {
		p.mu.Lock()
		live, ended := p.live, p.ended
		reached, over := p.uploads.wait()
		p.mu.Unlock()
		switch {
		case p.tor.lost():
			return errors.Join(errWithdrawn, p.tor.Err())
		case ended:
			return errWithdrawn
		case !live:
			return ErrWithheld
		}
		select {
		case <-reached:
			return nil
		case <-over: // announced anew, or withdrawn: look again
		case <-p.tor.done: // look again
		case <-ctx.Done():
			return fmt.Errorf("waiting for the service to be reachable (%s): %w", p.tor.progress(), ctx.Err())
		}
	}
}
