//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
)

const mib = 1 << 20

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func words(t *testing.T, s *program.Server) string {
	t.Helper()
	w, err := s.Words()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// refused posts and expects a refusal in French.
func refused(t *testing.T, s *program.Server, status int, text, channel, message string, files ...program.File) {
	t.Helper()
	got, page, err := s.Post(words(t, s), channel, message, files...)
	if err != nil {
		t.Fatalf("the connection broke instead of a page: %v", err)
	}
	if got != status || !strings.Contains(page, text) || !strings.Contains(page, `<html lang="fr">`) {
		t.Errorf("status %d, want %d with %q: %.1000s", got, status, text, page)
	}
}

// TestKilledInMidUpload: kill -9 in the middle of an upload, then restart:
// nothing half-visible, earlier submissions intact, status clean.
func TestKilledInMidUpload(t *testing.T) {
	s := program.StartServer(t)
	earlier := random(3 * mib)
	if err := s.Submit("avant", program.File{Name: "a.bin", Content: bytes.NewReader(earlier)}); err != nil {
		t.Fatal(err)
	}
	for _, sent := range []int64{1, 5 * mib, 60 * mib} {
		reader, halfway, hangUp := paused(sent)
		failed := make(chan error, 1)
		go func() { failed <- s.Submit("pendant", program.File{Name: "b.bin", Content: reader}) }()
		<-halfway
		s.Kill(t)
		hangUp()
		if err := <-failed; err == nil {
			t.Fatal("an upload was acknowledged by a server that was killed in its middle")
		}
		again := program.Serve(t, s.Home)
		again.Key = s.Key
		s = again
		status := s.Status(t)
		if status.Submissions != 1 || status.Drafts != 0 || len(status.Problems) != 0 {
			t.Fatalf("after the kill at %d bytes: %+v", sent, status)
		}
	}
	all := s.Received(t)
	if len(all) != 1 || all[0].Manifest.Message != "avant" || !bytes.Equal(all[0].Items[1], earlier) {
		t.Error("the earlier submission is not what was sent")
	}
	if err := s.Submit("après"); err != nil {
		t.Errorf("the next submission: %v", err)
	}
}

// paused returns a reader that falls silent after n bytes, a channel that is
// closed when the server has had a moment to take them, and what ends the
// silence with an error.
func paused(n int64) (r io.Reader, halfway <-chan struct{}, hangUp func()) {
	reached, ended := make(chan struct{}), make(chan struct{})
	silence := readerFunc(func([]byte) (int, error) {
		time.Sleep(300 * time.Millisecond)
		close(reached)
		<-ended
		return 0, io.ErrUnexpectedEOF
	})
	return io.MultiReader(io.LimitReader(rand.Reader, n), silence), reached, func() { close(ended) }
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestBodyCutOff: the client goes away, at many points and in several ways:
// nothing stored, nothing acknowledged.
func TestBodyCutOff(t *testing.T) {
	s := program.StartServer(t)
	body := "--B\r\nContent-Disposition: form-data; name=\"passphrase\"\r\n\r\n" + words(t, s) +
		"\r\n--B\r\nContent-Disposition: form-data; name=\"channel\"\r\n\r\n" + program.Channel +
		"\r\n--B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n" +
		strings.Repeat("x", 2*mib) + "\r\n--B--\r\n"
	head := "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n"
	for _, cut := range []int{0, 50, 200, 300, 100_000, mib, 2 * mib, len(body) - 8, len(body) - 1} {
		for name, framing := range map[string]string{
			"length":         fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)),
			"lying length":   fmt.Sprintf("Content-Length: %d\r\n\r\n", 10*len(body)),
			"chunked":        fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(body)),
			"lying chunking": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", 10*len(body)),
		} {
			// With its whole form sent, a body that promised more may count as
			// complete: the closing boundary was there.
			whole := cut >= len(body)-2
			if answer := sendRaw(t, s, head+framing+body[:cut]); !whole && strings.Contains(answer, "200 OK") {
				t.Errorf("%s, cut at %d: acknowledged: %.300s", name, cut, answer)
			}
		}
	}
	time.Sleep(500 * time.Millisecond) // the last handler may still be discarding
	for _, sub := range s.Received(t) {
		if len(sub.Items) != 2 || len(sub.Items[1]) != 2*mib {
			t.Error("a part of a submission is visible")
		}
	}
	if status := s.Status(t); status.Drafts != 0 {
		t.Errorf("%d drafts are left", status.Drafts)
	}
}

// sendRaw sends bytes and closes the sending side; it returns what comes back.
func sendRaw(t *testing.T, s *program.Server, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, raw); err != nil {
		return ""
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// TestUglyForms: the empty, the unknown, the many, the long.
func TestUglyForms(t *testing.T) {
	s := program.StartServer(t)
	if err := s.Submit("avant"); err != nil {
		t.Fatal(err)
	}
	refused(t, s, http.StatusBadRequest, "Il n’y avait ni message, ni fichier.", program.Channel, "")
	refused(t, s, http.StatusBadRequest, "Ce collectif n’est pas connu ici.", "Atlantide", "x")
	var many []program.File
	for i := range 200 {
		many = append(many, program.File{Name: fmt.Sprintf("f%d", i), Content: strings.NewReader("x")})
	}
	refused(t, s, http.StatusRequestEntityTooLarge, "Envoyez 100 fichiers à la fois", program.Channel, "", many...)
	if status := s.Status(t); status.Submissions != 1 || status.Drafts != 0 {
		t.Errorf("after the refusals: %+v", status.Stats)
	}

	long := strings.Repeat("é", 2000)
	message := strings.Repeat("m", mib)
	if err := s.Submit(message, program.File{Name: long, Content: strings.NewReader("x")}); err != nil {
		t.Errorf("a message of 1 MiB with a file name of 4,000 bytes: %v", err)
	}
	all := s.Received(t)
	found := false
	for _, sub := range all {
		found = found || sub.Manifest.Message == message && sub.Manifest.Items[0].Name == long
	}
	if len(all) != 2 || !found {
		t.Errorf("%d submissions, the long one among them: %v", len(all), found)
	}
}

// TestTwoGiB: a file of 2 GiB arrives, and its SHA-256 in the manifest is the
// one of what was sent.
func TestTwoGiB(t *testing.T) {
	s := program.StartServer(t)
	const size = 2 << 30
	block := random(mib)
	sent := sha256.New()
	content := io.TeeReader(io.LimitReader(repeat(block), size), sent)
	if err := s.Submit("", program.File{Name: "gros.bin", Content: content}); err != nil {
		t.Fatal(err)
	}
	status := s.Status(t)
	if status.Submissions != 1 || status.Bytes < size || status.Bytes > size*112/100 {
		t.Errorf("%+v", status.Stats)
	}
	m := manifestOf(t, s)
	if m.Items[0].Size != size || m.Items[0].SHA256 != hex.EncodeToString(sent.Sum(nil)) {
		t.Errorf("manifest %+v", m.Items[0])
	}
}

type repeat []byte

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }
