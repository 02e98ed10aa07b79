//go:build e2e

package e2e

import (
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/browser"
	"sourdine/deploy/e2e/program"
)

// TestSourcePagesOnASmallScreen walks through the source's site in Chromium
// without JavaScript, on a telephone's screen, in both languages: no page is
// wider than the screen, and each says what it should.
func TestSourcePagesOnASmallScreen(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	s := program.StartServer(t)
	limitChannels(t, s)
	name := "un-nom-de-fichier-sans-aucun-blanc-qui-ne-tient-pas-sur-une-ligne-" + strings.Repeat("x", 80) + ".pdf"
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, pdf("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]map[string]string{
		"fr": {"home": "Transmettre un document", "form": "Au bout d’un jour, ce serveur efface", "receipt": "Reçu", "mailbox": "Un envoi est arrivé", "door": "Vos huit mots", "problem": "ni message, ni fichier"},
		"en": {"home": "Send a document", "form": "After one day, this server deletes", "receipt": "Received", "mailbox": "One upload has arrived", "door": "Your eight words", "problem": "neither a message nor a file"},
	} {
		b, err := browser.StartChromium(ctx, browser.Options{Width: 375, Height: 667, Languages: language})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		page := func(name string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if text, err := b.Text(ctx, "main"); err != nil || !strings.Contains(text, want[name]) {
				t.Errorf("%s in %s does not hold %q: %v, %.400s", name, language, want[name], err, text)
			}
			checkWidth(t, ctx, b, "small-"+language+"-"+name)
		}
		page("home", b.Navigate(ctx, s.URL+"/"))
		page("form", b.Follow(ctx, `form[action^="/send"] button`))
		page("problem", b.Follow(ctx, `form[action^="/submit"] button`))
		page("home", b.Follow(ctx, "main a"))
		if err := b.Follow(ctx, `form[action^="/send"] button`); err != nil {
			t.Fatal(err)
		}
		if err := b.AttachFiles(ctx, "#files", []browser.UploadFile{{Path: path, Name: name}}); err != nil {
			t.Fatal(err)
		}
		page("receipt", b.Follow(ctx, `form[action^="/submit"] button`))
		page("mailbox", b.Follow(ctx, "main form button"))
		page("door", b.Navigate(ctx, s.URL+"/mailbox"))
	}
}

// limitChannels gives the channel a limit, and a neighbour with the longest name
// and limit that there can be, without a blank to break it at.
func limitChannels(t *testing.T, s *program.Server) {
	t.Helper()
	wide := strings.Repeat("W", 64)
	card := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(card, s.Key.Certificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"channel", "add", wide},
		{"reviewer", "add", "--channel", wide, card},
		{"channel", "policy", wide, "--limit", "36500"},
		{"channel", "policy", program.Channel, "--limit", "1"},
	} {
		program.Run(t, 0, "sourdine", append(args, "--home", s.Home)...)
	}
}

func checkWidth(t *testing.T, ctx context.Context, b browser.Browser, name string) {
	t.Helper()
	path := filepath.Join(screenshots, name+".png")
	if err := b.Screenshot(ctx, path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.DecodeConfig(f)
	if err != nil || picture.Width > 375 {
		t.Errorf("%s is %d pixels wide: %v", name, picture.Width, err)
	}
}
