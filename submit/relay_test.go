package submit

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestRelayCopiesEverySize(t *testing.T) {
	for _, size := range []int{0, 1, blockBytes - 1, blockBytes, blockBytes + 1, blocks * blockBytes, 10*blockBytes + 7} {
		want := make([]byte, size)
		rand.Read(want)
		for name, source := range map[string]io.Reader{
			"whole": bytes.NewReader(want), "crumbs": iotest.HalfReader(bytes.NewReader(want)), "data with EOF": iotest.DataErrReader(bytes.NewReader(want)),
		} {
			var got bytes.Buffer
			r := newRelay(&got)
			n, err := r.copyFrom(source)
			if err := errors.Join(err, r.close()); err != nil || n != int64(size) || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s of %d bytes: %d, %v", name, size, n, err)
			}
		}
	}
}

// A writer that fails ends an endless source, and its error is told.
func TestRelayStopsWhenTheWriterFails(t *testing.T) {
	full := errors.New("the disk is full")
	r := newRelay(writerFunc(func([]byte) (int, error) { return 0, full }))
	ended := make(chan error)
	go func() {
		_, err := r.copyFrom(rand.Reader)
		ended <- errors.Join(err, r.close())
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the relay hangs")
	}
}

// A panic while sealing must not end the process, nor tell its value.
func TestRelaySurvivesAPanic(t *testing.T) {
	r := newRelay(writerFunc(func([]byte) (int, error) { panic("a source's words") }))
	_, err := r.copyFrom(io.LimitReader(rand.Reader, 10*blockBytes))
	if err := errors.Join(err, r.close(), r.close()); !errors.Is(err, errPanic) || strings.Contains(err.Error(), "words") {
		t.Errorf("got %v", err)
	}
}

func TestRelayTellsTheSourcesError(t *testing.T) {
	broken := errors.New("the line broke")
	r := newRelay(io.Discard)
	n, err := r.copyFrom(io.MultiReader(io.LimitReader(rand.Reader, 100_000), iotest.ErrReader(broken)))
	if n != 100_000 || !errors.Is(err, broken) {
		t.Errorf("%d, %v", n, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
