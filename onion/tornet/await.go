package tornet

import (
	"context"
	"fmt"
	"time"
)

const (
	pollPause = 50 * time.Millisecond
	// stageLimit is how long one stage of a start may take before another
	// attempt is made. It allows for a machine that is busy with other things.
	stageLimit = 45 * time.Second
)

// await polls a document of every authority until all satisfy ready. It fails
// as soon as a node ends.
func (n *Network) await(ctx context.Context, what, path string, ready func(document string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, stageLimit)
	defer cancel()
	client := directoryClient()
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	pending := n.plan.authorities()
	for {
		for len(pending) > 0 && ready(fetch(ctx, client, pending[0], path)) {
			pending = pending[1:]
		}
		if len(pending) == 0 {
			return nil
		}
		if err := n.ended(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s, %s does not: %w%w", what, pending[0].Name, ctx.Err(), n.complaint(pending[0]))
		case <-tick.C:
		}
	}
}

// ended returns the failure of the first node that is not running any more.
func (n *Network) ended() error {
	for _, node := range n.nodes {
		select {
		case <-node.Done():
			return node.Failure()
		default:
		}
	}
	return nil
}

func (n *Network) complaint(a address) error {
	for i, node := range n.nodes {
		if n.plan.Nodes[i].Name == a.Name {
			return node.Complaint()
		}
	}
	return nil
}
