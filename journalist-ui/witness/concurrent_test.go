package witness

import (
	"sync"
	"testing"
)

// Pages read while an import writes, and never see half of it.
func TestReadersMeanwhile(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id := s.submit(nice, sent, p.alice, p.bob)
	b := newBook(t, s)
	s.mustTell(b)
	h := s.all(p.alice)
	h.Here = func(string) bool { return true }
	r := s.got(id)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				found := b.Check(r)
				missing, err := b.Missing(h)
				events, err2 := b.Events(0)
				if _, _, ok := b.Submission(id); !ok || err != nil || err2 != nil || len(found)+len(missing) > 0 || len(events) < 5 {
					t.Errorf("found %v %v %v %v", found, missing, err, err2)
					return
				}
				if err := b.Compare(b.Checkpoint()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 30 {
		s.submit(nice, sent)
		wantKinds(t, s.mustTell(b).Findings)
	}
	close(stop)
	readers.Wait()
}
