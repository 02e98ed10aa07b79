package pickup

import (
	"io"
	"mime/multipart"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A paced reader gives so many bytes after each pause.
type paced struct {
	pause time.Duration
	bytes int
}

func (p paced) Read(b []byte) (int, error) {
	time.Sleep(p.pause)
	return min(p.bytes, len(b)), nil
}

// lasts tells how long an upload may go on, up to a day, and what it brings.
func lasts(r io.Reader) (took time.Duration, brought int64) {
	began, b := time.Now(), make([]byte, 32<<10)
	var deadline time.Time
	p := &patient{r: r, extend: func(t time.Time) error { deadline = t; return nil }}
	for time.Since(began) < 24*time.Hour && brought < maxUpload {
		n, _ := p.Read(b)
		if time.Now().After(deadline) { // the connection would have been cut
			return deadline.Sub(began), brought
		}
		brought += int64(n)
	}
	return time.Since(began), brought
}

// An upload may be as slow as Tor is, and not stand still, nor as good as.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		r     paced
		most  time.Duration
		whole bool
	}{
		"nothing comes":           {paced{time.Hour, 1}, silence, false},
		"one byte in two minutes": {paced{silence - time.Second, 1}, 2 * silence, false},
		"a byte a second":         {paced{time.Second, 1}, 2 * silence, false},
		"a slow circuit":          {paced{time.Second, 10 << 10}, 5 * time.Hour, true},
		"as fast as it can":       {paced{time.Millisecond, 32 << 10}, time.Minute, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			took, brought := lasts(c.r)
			if took > c.most || c.whole != (brought >= maxUpload) {
				t.Errorf("%s: %d bytes in %v", name, brought, took)
			}
			t.Log(name, took, brought)
		})
	}
}

// More uploads than memory is meant for wait for their turn, unread; an answer that
// came before the end of an upload is not held up by the rest of it.
func TestUploadsAtOnce(t *testing.T) {
	s := newServer(t)
	c, _ := serve(t, s)
	const all = maxUploads + 2
	began, goOn := make(chan struct{}, all), make(chan struct{})
	s.apply = func(io.Reader) (Outcome, error) {
		began <- struct{}{}
		<-goOn
		return Outcome{Again: true, Acknowledged: 1}, nil
	}
	var ended sync.WaitGroup
	for range all {
		ended.Go(func() {
			response, _, err := upload(t, c, func(f *multipart.Writer) {
				if w, err := f.CreateFormFile("parcel", "x"); err == nil {
					_, _ = w.Write(make([]byte, 4<<20))
				}
			})
			if err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("%v, %v", response, err)
			}
		})
	}
	for range maxUploads {
		<-began
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(began); n > 0 {
		t.Errorf("%d uploads at once", maxUploads+n)
	}
	close(goOn)
	ended.Wait()
}
