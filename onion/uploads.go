package onion

import "sync"

// uploads counts how far the descriptor of a service has spread. tor uploads
// it to several directories for each of two time periods and reports a
// CREATED, then an UPLOAD for each directory, then UPLOADED or FAILED. Late
// reports of an earlier announcement of the same address come before CREATED
// and do not count.
type uploads struct {
	mu        sync.Mutex
	created   bool
	started   int
	confirmed int
	reached   chan struct{} // closed when half of what was started is confirmed
	over      chan struct{} // closed when another announcement begins
}

func newUploads() *uploads {
	return &uploads{reached: make(chan struct{}), over: make(chan struct{})}
}

// begin forgets everything, for a new announcement or for none.
func (u *uploads) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.over)
	u.created, u.started, u.confirmed = false, 0, 0
	u.reached, u.over = make(chan struct{}), make(chan struct{})
}

// note takes the action of one HS_DESC event.
func (u *uploads) note(action string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case action == "CREATED":
		u.created = true
	case !u.created:
		return
	case action == "UPLOAD":
		u.started++
	case action == "UPLOADED":
		u.confirmed++
	}
	if u.confirmed > 0 && 2*u.confirmed >= u.started && !u.isReached() {
		close(u.reached)
	}
}

// isReached needs u.mu.
func (u *uploads) isReached() bool {
	select {
	case <-u.reached:
		return true
	default:
		return false
	}
}

// wait returns the channels that close when the current announcement has
// spread, and when it is over.
func (u *uploads) wait() (reached, over <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.reached, u.over
}
