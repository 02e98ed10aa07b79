package tornet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sourdine/onion/internal/torproc"
)

const (
	stopLimit  = 5 * time.Second // for one tor to end politely
	startLimit = 3 * time.Minute // when the caller sets no deadline
	startTries = 3
)

// Network is a running private Tor network.
type Network struct {
	dir      string
	programs programs
	log      func(event string)
	lock     *torproc.Lock
	plan     plan
	nodes    []*torproc.Process // in the order of plan.Nodes

	mu      sync.Mutex
	clients []*Client
	closed  bool
}

// Option changes how a network is started.
type Option func(*Network)

// WithLog has the progress of starting reported in short English sentences,
// one at a time.
func WithLog(log func(event string)) Option { return func(n *Network) { n.log = log } }

// Start brings up a network in dir and returns when onion services work over
// it: after about ten seconds in a new folder, one in a folder that a
// network was in during the last week (two idle cores). dir must be new,
// empty, or of an earlier Start; one process at a time can use it. The network
// lives until Close or the end of this process; ctx bounds only the start.
func Start(ctx context.Context, dir string, options ...Option) (*Network, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("starting private tor network: %w", err)
	}
	n := &Network{dir: dir, programs: programs, log: func(string) {}}
	for _, o := range options {
		o(n)
	}
	if err := n.takeFolder(); err != nil {
		return nil, fmt.Errorf("starting private tor network: %w", err)
	}
	if err := n.start(ctx); err != nil {
		return nil, fmt.Errorf("starting private tor network: %w", errors.Join(err, n.Close()))
	}
	return n, nil
}

// takeFolder locks dir. A folder that has files and no lock file is somebody
// else's, and founding a network would delete in it.
func (n *Network) takeFolder() (err error) {
	entries, err := os.ReadDir(n.dir)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if _, err := os.Stat(filepath.Join(n.dir, torproc.LockFile)); err != nil && len(entries) > 0 {
		return fmt.Errorf("folder %s is not empty and holds no network", n.dir)
	}
	n.lock, err = torproc.LockDir(n.dir)
	return err
}

// start tries a warm start from what the folder holds, then one with a vote,
// then a new network on other ports.
func (n *Network) start(ctx context.Context) (err error) {
	for try := range startTries {
		again := try > 0
		if err = n.bringUp(ctx, again); err == nil || ctx.Err() != nil {
			return err
		}
		if stopErr := n.stopNodes(); stopErr != nil {
			return errors.Join(err, stopErr)
		}
		n.log("starting again, because: " + err.Error())
		if again {
			if err := os.Remove(filepath.Join(n.dir, planFile)); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	return err
}

// bringUp makes one attempt. fromScratch ignores what the folder remembers,
// except for the keys.
func (n *Network) bringUp(ctx context.Context, fromScratch bool) error {
	ports, err := n.prepare(ctx)
	if err != nil {
		return err
	}
	defer ports.releaseAll()
	warm := !fromScratch && n.plan.warm(n.dir, time.Now())
	if !warm {
		if err := n.plan.forget(n.dir); err != nil {
			return err
		}
		n.plan.Offset = offsetFor(time.Now().Add(-time.Minute)) // far from now
	}
	if err := n.launch(ports); err != nil {
		return err
	}
	if !warm {
		if err := n.vote(ctx); err != nil {
			return err
		}
	}
	return n.await(ctx, "every authority has a usable consensus", consensusPath, func(doc string) bool {
		return n.plan.usable(doc, time.Now())
	})
}

// prepare takes up the plan of the folder if its ports are free, and founds a
// new network otherwise.
func (n *Network) prepare(ctx context.Context) (reservation, error) {
	if p, ok := loadPlan(n.dir); ok {
		ports, err := reserveThese(p.ports())
		if err == nil {
			n.plan = p
			return ports, nil
		}
		n.log("making a new network: " + err.Error())
	}
	ports, numbers, err := reserve(portsNeeded)
	if err != nil {
		return nil, err
	}
	n.plan = newPlan(numbers)
	n.log("making keys of the authorities")
	if err := n.found(ctx); err != nil {
		ports.releaseAll()
		return nil, err
	}
	return ports, nil
}

// found makes a new network's keys. What an earlier one left goes first: old
// nodes and clients would trust authorities that are no more.
func (n *Network) found(ctx context.Context) error {
	for _, a := range n.plan.Nodes {
		if err := os.RemoveAll(filepath.Join(n.dir, a.Name)); err != nil {
			return fmt.Errorf("clearing %s: %w", a.Name, err)
		}
	}
	if err := n.programs.found(ctx, n.dir, n.plan.Nodes); err != nil {
		return err
	}
	return n.plan.save(n.dir)
}

// launch starts all nodes.
func (n *Network) launch(ports reservation) error {
	n.log("starting authorities and relays")
	for _, a := range n.plan.Nodes {
		ports.release(a.ORPort, a.DirPort)
		node, err := torproc.Start(torproc.Spec{
			Name:   a.Name,
			Binary: n.programs.tor,
			Dir:    filepath.Join(n.dir, a.Name),
			Torrc:  n.plan.nodeTorrc(a),
		})
		if err != nil {
			return err
		}
		n.nodes = append(n.nodes, node)
	}
	return nil
}

// vote waits until the authorities know everybody, then moves the vote to the
// earliest possible moment.
func (n *Network) vote(ctx context.Context) error {
	if err := n.await(ctx, "every authority knows every relay", knownPath, n.plan.knowsAll); err != nil {
		return err
	}
	n.log("voting on the first consensus")
	n.plan.Offset = offsetFor(nextConsensus(time.Now()))
	for i, a := range n.plan.Nodes {
		if a.authority() {
			if err := n.nodes[i].Reload(n.plan.nodeTorrc(a)); err != nil {
				return err
			}
		}
	}
	return n.plan.save(n.dir)
}

// Torrc returns the lines with which a further tor, client or host of
// services, joins the network.
func (n *Network) Torrc() []string { return n.plan.torrc() }

// Close ends all processes of the network, its clients first, and waits until
// they are gone. The folder stays and can be taken up again. Closing twice is
// no error.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	var jobs []func() error
	for _, c := range n.clients {
		jobs = append(jobs, c.stop)
	}
	err := together(jobs)
	return errors.Join(err, n.stopNodes(), n.lock.Unlock())
}

func (n *Network) stopNodes() error {
	var jobs []func() error
	for _, node := range n.nodes {
		jobs = append(jobs, func() error { return node.Stop(stopLimit) })
	}
	n.nodes = nil
	return together(jobs)
}
