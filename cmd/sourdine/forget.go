package main

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"
)

// forgetPause collects the ends of many requests into one collection, which
// costs a few milliseconds.
const forgetPause = 2 * time.Second

// A forgetter gives freed memory back to the kernel soon after requests ended.
// Go cannot wipe what a request left in memory, but pages that the kernel took
// back are in no later image of this process. What survives on pages that are
// partly in use is measured by the canary test and told in SECURITY.md.
type forgetter chan struct{}

func newForgetter() forgetter { return make(forgetter, 1) }

// after asks for a collection when a request has ended.
func (f forgetter) after(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			select {
			case f <- struct{}{}:
			default: // one is coming already
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// run collects until ctx ends.
func (f forgetter) run(ctx context.Context) error {
	for {
		select {
		case <-f:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-time.After(forgetPause):
			debug.FreeOSMemory()
		case <-ctx.Done():
			return nil
		}
	}
}
