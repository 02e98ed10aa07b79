package submit_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"sourdine/submit"
	"sourdine/vault"
)

// limit sets how long a channel keeps what nobody read.
func (s *site) limit(channel string, days int) {
	s.t.Helper()
	if err := s.vault.SetPolicy(s.t.Context(), channel, vault.Policy{Retention: 30, Limit: days}); err != nil {
		s.t.Fatal(err)
	}
}

// visit fetches a page in a language: "/" or "/send".
func (s *site) visit(path, language string) string {
	s.t.Helper()
	method := http.MethodGet
	if path == "/send" {
		method = http.MethodPost
	}
	a := s.do(method, path+"?lang="+language, "", nil)
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: status %d", path, a.status)
	}
	return a.page
}

// What every announcement has, in either language.
var announcement = map[string]string{"fr": "ce serveur efface", "en": "this server deletes"}

// A channel that deletes what nobody read says so where it is chosen, and at no
// other channel.
func TestLimitIsAnnounced(t *testing.T) {
	for name, c := range map[string]struct {
		channels map[string]int // the limits of those with a reviewer
		fr, en   []string       // in both pages
		names    string         // before the announcement, when it is not about all of them
		times    int            // that a page announces a limit
	}{
		"no limit": {map[string]int{"Nice": 0}, nil, nil, "", 0},
		"one channel": {map[string]int{"Nice": 30},
			[]string{"Au bout de 30 jours, ce serveur efface ce qu’il a reçu pour ce collectif, que cela ait été lu ou non."},
			[]string{"After 30 days, this server deletes what it received for this collective, whether it was read or not."},
			"", 1},
		"a day":       {map[string]int{"Nice": 1}, []string{"Au bout d’un jour, ce serveur"}, []string{"After one day, this server"}, "", 1},
		"two days":    {map[string]int{"Nice": 2}, []string{"Au bout de 2 jours,"}, []string{"After 2 days,"}, "", 1},
		"the longest": {map[string]int{"Nice": 36500}, []string{"Au bout de 36500 jours,"}, []string{"After 36500 days,"}, "", 1},
		"one of two":  {map[string]int{"Nice": 7, "Lille": 0}, []string{"Au bout de 7 jours,"}, []string{"After 7 days,"}, `<bdi>Nice</bdi><br><span class="warn">`, 1},
		"both of two": {map[string]int{"Nice": 7, "Lille": 90},
			[]string{"Au bout de 7 jours,", "Au bout de 90 jours,"}, []string{"After 7 days,", "After 90 days,"}, `<bdi>Lille</bdi><br><span class="warn">`, 2},
		"both the same": {map[string]int{"Nice": 7, "Lille": 7},
			[]string{"Au bout de 7 jours, ce serveur efface ce qu’il a reçu pour ces collectifs, que cela"},
			[]string{"After 7 days, this server deletes what it received for these collectives, whether"}, "", 1},
		"two of three, a day": {map[string]int{"Nice": 1, "Lille": 1, "Brest": 0},
			[]string{"Au bout d’un jour, ce serveur efface ce qu’il a reçu pour ces collectifs, que cela"},
			[]string{"After one day, this server deletes what it received for these collectives, whether"}, `<bdi>Lille</bdi> · <bdi>Nice</bdi><br><span class="warn">`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, submit.DefaultLimits)
			s.limit("Lille", 14) // has no reviewer, and is not offered
			if err := s.vault.AddChannel(t.Context(), "Brest"); err != nil {
				t.Fatal(err)
			}
			for channel, days := range c.channels {
				if channel != "Nice" {
					s.staff(channel)
				}
				s.limit(channel, days)
			}
			for language, want := range map[string][]string{"fr": c.fr, "en": c.en} {
				for _, path := range []string{"/", "/send"} {
					page := s.visit(path, language)
					for _, text := range want {
						if !strings.Contains(page, text) {
							t.Errorf("%s in %s does not say %q: %s", path, language, text, page)
						}
					}
					if got := strings.Count(page, announcement[language]); got != c.times {
						t.Errorf("%s in %s announces %d limits, want %d", path, language, got, c.times)
					}
				}
			}
			if page := s.visit("/send", "fr"); !strings.Contains(page, c.names) || c.names == "" && strings.Contains(page, "<bdi>") {
				t.Errorf("the form: %s", page)
			}
		})
	}
}

// The admin changes a limit while the site serves: the next page knows, and so
// does the receipt of whoever had opened the form before.
func TestLimitChangesWhileServing(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	words := s.words()
	for _, days := range []int{30, 7} {
		s.limit("Nice", days)
		receipt := s.submit(field{"passphrase", "", words}, field{"channel", "", "Nice"}, field{"message", "", "x"})
		for name, page := range map[string]string{
			"home": s.visit("/", "fr"), "form": s.visit("/send", "fr"), "receipt": receipt.page, "mailbox": s.openMailbox(words, "fr").page,
		} {
			if !strings.Contains(page, fmt.Sprintf("Au bout de %d jours, ce serveur efface", days)) {
				t.Errorf("%d days: the %s does not say so: %s", days, name, page)
			}
		}
	}
	s.limit("Nice", 0)
	for name, page := range map[string]string{"home": s.visit("/", "en"), "form": s.visit("/send", "en"), "mailbox": s.openMailbox(words, "en").page} {
		if strings.Contains(page, announcement["en"]) {
			t.Errorf("the %s announces a limit that is no more: %s", name, page)
		}
	}
}

// A limit that cannot be read keeps the form back, for nobody may send under
// terms that were not told; what was received is shown as received.
func TestLimitThatRots(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	s.limit("Nice", 29)
	words := s.words()
	s.rot(`"limit":29`, `"limit":92`)
	defer s.rot(`"limit":92`, `"limit":29`)
	for path, method := range map[string]string{"/": http.MethodGet, "/send": http.MethodPost} {
		if a := s.do(method, path, "", nil); a.status != http.StatusServiceUnavailable || !strings.Contains(a.page, "ne peut pas enregistrer") {
			t.Errorf("%s: status %d, %s", path, a.status, a.page)
		}
	}
	a := s.submit(field{"passphrase", "", words}, field{"channel", "", "Nice"}, field{"message", "", "x"})
	if a.status != http.StatusOK || !strings.Contains(a.page, "<h1>Reçu</h1>") || strings.Contains(a.page, announcement["fr"]) {
		t.Errorf("the receipt: status %d, %s", a.status, a.page)
	}
	if a := s.openMailbox(words, "fr"); a.status != http.StatusOK || !strings.Contains(a.page, "Nice") {
		t.Errorf("the mailbox: status %d", a.status)
	}
}

// rot changes bytes of the vault's file under the running site, to as many.
func (s *site) rot(from, to string) {
	s.t.Helper()
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	raw, err := os.ReadFile(s.path)
	if err != nil || !bytes.Contains(raw, []byte(from)) {
		s.t.Fatalf("nothing to rot: %v", err)
	}
	for at := 0; ; at++ {
		next := bytes.Index(raw[at:], []byte(from))
		if next < 0 {
			return
		}
		at += next
		if _, err := f.WriteAt([]byte(to), int64(at)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Names of channels are text, however long, and so is what stands beside them.
func TestLimitOfAnOddName(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	odd := `<b>"&` + strings.Repeat("é", 59)
	if err := s.vault.AddChannel(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	s.staff(odd)
	s.limit(odd, 3)
	for _, path := range []string{"/", "/send"} {
		if page := s.visit(path, "en"); strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;") || !strings.Contains(page, "After 3 days") {
			t.Errorf("%s: %s", path, page)
		}
	}
}
