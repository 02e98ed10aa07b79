package submit_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sourdine/submit"
	"sourdine/vault"
	"sourdine/vault/seal"
)

// reply puts what a desk would seal to these certificates into the only mailbox.
func (s *site) reply(text string, certificates ...[]byte) {
	s.t.Helper()
	var roster seal.Roster
	for _, raw := range certificates {
		c, err := seal.ParseCertificate(raw, time.Now())
		if err != nil {
			s.t.Fatal(err)
		}
		roster = append(roster, c)
	}
	sealer, err := seal.New(roster, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	message := bytes.NewBuffer(sealer.Envelope())
	w, err := sealer.Item(message)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.deliver(message.Bytes())
}

func (s *site) deliver(sealed []byte) {
	s.t.Helper()
	for m, err := range s.vault.Mailboxes() {
		if err == nil {
			err = s.vault.Apply(s.t.Context(), func(c *vault.Change) error { return c.Reply(m.ID, sealed) })
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) openMailbox(words, language string) answer {
	s.t.Helper()
	body := url.Values{"passphrase": {words}}.Encode()
	return s.do(http.MethodPost, "/mailbox?lang="+language, "application/x-www-form-urlencoded", strings.NewReader(body))
}

// A reply waits sealed, and is shown as text to whoever has the words.
func TestReplies(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	words := s.words()
	s.submit(field{"passphrase", "", words}, field{"channel", "", "Nice"}, field{"message", "", "bonjour"})
	if a := s.openMailbox(words, "fr"); a.status != http.StatusOK || strings.Contains(a.page, "réponse") {
		t.Fatalf("before: %d, %s", a.status, a.page)
	}
	source := s.manifest(s.stored()[0]).Mailbox
	reviewer := s.key.Certificate(t)
	s.reply("Merci.\nOù est la page 2 ? <b>ici</b> \u202eabc", source, reviewer)
	a := s.openMailbox(words, "fr")
	if a.status != http.StatusOK || !strings.Contains(a.page, "Une réponse des relectrices") || !strings.Contains(a.page, "Merci.\nOù est la page 2 ? &lt;b&gt;ici") || strings.Contains(a.page, "<b>ici") {
		t.Fatalf("one: %d, %s", a.status, a.page)
	}
	// What does not open keeps nothing else from being read.
	s.reply("for somebody else", reviewer)
	s.reply(strings.Repeat("x", 65<<10), source)
	s.reply("\xff\xfe", source)
	s.deliver([]byte("noise"))
	a = s.openMailbox(words, "en")
	if a.status != http.StatusOK || !strings.Contains(a.page, "5 replies from the reviewers") || strings.Count(a.page, "cannot be opened") != 4 ||
		!strings.Contains(a.page, "Merci.") || strings.Contains(a.page, "somebody else") {
		t.Errorf("several: %d, %s", a.status, a.page)
	}
	if len(s.log) != 0 {
		t.Errorf("events %q", s.log)
	}
}
