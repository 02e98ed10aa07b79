package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sourdine/onion"
	"sourdine/onion/tornet"
	"sourdine/vault/admin"
)

// torPause is how long a tor that stopped is left alone.
const torPause = 10 * time.Second

// keepTor publishes both sites and does so again when tor stops, until ctx
// ends. What fails at the first start, before anything was published, ends
// serve: the admin should see it.
func (s *server) keepTor(ctx context.Context, o serveOptions) error {
	if err := onion.Available(); err != nil && o.torControl == "" {
		return err
	}
	network, torrc, err := s.joinNetwork(ctx, o)
	if err != nil {
		return quietly(ctx, err)
	}
	if network != nil {
		defer network.Close()
	}
	for first := true; ; first = false {
		published, err := s.publishUntilStopped(ctx, o, torrc)
		if ctx.Err() != nil {
			return nil
		}
		if first && !published {
			return err
		}
		s.event("tor_stopped")
		select {
		case <-time.After(torPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// quietly drops errors that only say that we are stopping.
func quietly(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// joinNetwork starts a private network when one is asked for, with a client
// for a browser.
func (s *server) joinNetwork(ctx context.Context, o serveOptions) (*tornet.Network, []string, error) {
	if o.tor != "private" {
		return nil, nil, nil
	}
	network, err := tornet.Start(ctx, s.home.TorDir("private-network"))
	if err != nil {
		return nil, nil, err
	}
	client, err := network.StartClient(ctx, "browser")
	if err != nil {
		return nil, nil, errors.Join(err, network.Close())
	}
	s.say("socks %s", client.SOCKSAddr())
	return network, network.Torrc(), nil
}

// publishUntilStopped returns when tor stops or ctx ends, and whether it had
// published the sites.
func (s *server) publishUntilStopped(ctx context.Context, o serveOptions, torrc []string) (published bool, err error) {
	t, err := onion.Start(ctx, onion.Config{DataDir: s.torDir(o), ControlAddr: o.torControl, ExtraTorrc: torrc})
	if err != nil {
		return false, err
	}
	defer t.Close()
	defer s.noteAll(admin.StateStopped)
	source, err := s.publish(ctx, t, o, admin.SourceSite)
	if err != nil {
		return false, err
	}
	reviewers, err := s.publish(ctx, t, o, admin.PickupSite)
	if err != nil {
		return false, err
	}
	for _, site := range []struct {
		name string
		at   *onion.Published
	}{{admin.SourceSite, source}, {admin.PickupSite, reviewers}} {
		if err := s.announce(ctx, site.name, site.at); err != nil {
			return true, err
		}
	}
	return true, s.followRosters(ctx, t, reviewers)
}

func (s *server) torDir(o serveOptions) string {
	if o.torControl != "" {
		return ""
	}
	return s.home.TorDir(o.tor)
}

func (s *server) publish(ctx context.Context, t *onion.Tor, o serveOptions, site string) (*onion.Published, error) {
	raw, err := s.home.ReadOnionKey(site)
	if err != nil {
		return nil, err
	}
	key, err := onion.ParseServiceKey(raw)
	if err != nil {
		return nil, fmt.Errorf("the onion key of %s: %w", site, err)
	}
	service := onion.Service{Key: key, Socket: s.home.Socket(site), ProofOfWork: true}
	if site == admin.PickupSite {
		service.RequireClients = true
		if service.Clients, err = s.local.ClientKeys(); err != nil {
			return nil, err
		}
	}
	s.note(site, func(status *admin.SiteStatus) {
		status.Onion, status.Network, status.State = "http://"+key.Address()+"/", o.tor, admin.StateStarting
	})
	return t.Publish(ctx, service)
}

// announce says that a site is reachable once its descriptor is out.
func (s *server) announce(ctx context.Context, site string, at *onion.Published) error {
	err := at.WaitUploaded(ctx)
	if errors.Is(err, onion.ErrWithheld) {
		s.note(site, func(status *admin.SiteStatus) { status.State = admin.StateWithheld })
		return nil
	}
	if err != nil {
		return err
	}
	s.note(site, func(status *admin.SiteStatus) { status.State = admin.StateReachable })
	s.say("%s-onion http://%s/", site, at.Address())
	return nil
}

// followRosters lets new reviewers into pickup, until tor stops.
func (s *server) followRosters(ctx context.Context, t *onion.Tor, reviewers *onion.Published) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.Done():
			return t.Err()
		case <-s.rosters:
		}
		clients, err := s.local.ClientKeys()
		if err != nil {
			return err
		}
		if err := reviewers.SetClients(ctx, clients); err != nil {
			return err
		}
		if err := s.announce(ctx, admin.PickupSite, reviewers); err != nil {
			return err
		}
	}
}

func (s *server) noteAll(state string) {
	for _, site := range []string{admin.SourceSite, admin.PickupSite} {
		s.note(site, func(status *admin.SiteStatus) { status.State = state })
	}
}
