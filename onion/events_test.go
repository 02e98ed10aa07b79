package onion

import (
	"strings"
	"testing"
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestUploadsReached(t *testing.T) {
	for actions, want := range map[string]bool{
		"":                                      false,
		"UPLOADED UPLOADED":                     false, // late news of an earlier announcement
		"CREATED":                               false,
		"CREATED UPLOAD UPLOAD FAILED":          false,
		"CREATED UPLOAD UPLOAD UPLOAD":          false,
		"CREATED UPLOAD UPLOAD UPLOADED":        true,
		"CREATED UPLOAD UPLOAD UPLOAD UPLOADED": false,
		"CREATED UPLOAD UPLOAD UPLOAD UPLOADED UPLOADED": true,
	} {
		u := newUploads()
		for _, a := range strings.Fields(actions) {
			u.note(a)
		}
		reached, over := u.wait()
		if isClosed(reached) != want || isClosed(over) {
			t.Errorf("%q: reached %v, want %v", actions, !want, want)
		}
	}
}

func TestUploadsBeginAgain(t *testing.T) {
	u := newUploads()
	for range 2 {
		_, over := u.wait()
		u.begin()
		if !isClosed(over) {
			t.Error("who waits is not told that the announcement is over")
		}
		for _, a := range []string{"CREATED", "UPLOAD", "UPLOADED"} {
			u.note(a)
		}
		if reached, _ := u.wait(); !isClosed(reached) {
			t.Error("not reached")
		}
	}
}

func TestNoteBootstrap(t *testing.T) {
	var said []string
	tor := &Tor{log: func(s string) { said = append(said, s) }}
	for _, line := range []string{
		`status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=10 TAG=conn_done SUMMARY="Connected to a relay"`,
		`NOTICE BOOTSTRAP PROGRESS=10 TAG=conn_done SUMMARY="Connected to a relay"`,
		`WARN BOOTSTRAP PROGRESS=10 TAG=conn_done SUMMARY="Connected to a relay" WARNING="No \"route\"" REASON=NOROUTE HOSTID="AA" HOSTADDR="192.0.2.7:443"`,
		`NOTICE CIRCUIT_ESTABLISHED`,
		`NOTICE BOOTSTRAP`,
		"NOTICE BOOTSTRAP PROGRESS=11 SUMMARY=\"" + strings.Repeat("x", 1<<16) + "\"",
	} {
		tor.noteBootstrap(line)
	}
	if len(said) != 3 {
		t.Fatalf("said %d things, want 3: %q", len(said), said)
	}
	if want := "tor is connected to 10 % (Connected to a relay)"; said[0] != want {
		t.Errorf("said %q, want %q", said[0], want)
	}
	if !strings.Contains(said[1], "No ") || strings.Contains(said[1], "192.0.2.7") {
		t.Errorf("a warning must be told without its address: %q", said[1])
	}
	if len(said[2]) > 200 {
		t.Error("a huge summary is passed on whole")
	}
}

func TestHandleStrangeEvents(t *testing.T) {
	tor := &Tor{log: func(string) {}, published: map[string]*Published{}}
	p := &Published{uploads: newUploads()}
	tor.published["a.onion"] = p
	for _, e := range []string{"", " ", "HS_DESC", "HS_DESC CREATED", "HS_DESC CREATED b x", "STATUS_CLIENT", "UNKNOWN a b",
		"HS_DESC CREATED a x", "HS_DESC UPLOAD a x", "HS_DESC UPLOADED a x"} {
		tor.handle(e)
	}
	if reached, _ := p.uploads.wait(); !isClosed(reached) {
		t.Error("an upload was not noted")
	}
}
