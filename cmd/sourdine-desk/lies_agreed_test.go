package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/translog"
)

// checkAgreedLies: a server that alters a payload before it shows anybody its log can make the log
// agree. No leaf tells then: OpenPGP's tags do, and the manifest, which the server
// cannot read. The table has what the import says; the file is neither saved nor shown.
func checkAgreedLies(t *testing.T, s *scene) {
	const (
		damaged   = "error: item 1 of submission celui-ci: payload: it is damaged or cut off\n"
		damagedFR = "Ce fichier est endommagé : il n’est pas montré."
		damagedEN = "This file is damaged: it is not shown."
		differs   = "error: item 1 of submission celui-ci: it differs from what its manifest says\n"
		differsFR = "Ce fichier n’est pas celui que décrit son manifeste. Il n’est ni montré ni enregistré."
		differsEN = "This file is not the one that its manifest describes. It is neither shown nor saved."
	)
	for _, c := range []struct {
		name         string
		tell         func(*scene, *desktest.Forgery)
		says, fr, en string
	}{
		{"cut after a chunk", cut(this, "after the second chunk"), damaged, damagedFR, damagedEN},
		{"cut before the tag over the whole", cut(this, "before the tag over the whole"), damaged, damagedFR, damagedEN},
		{"the last chunk taken out", cut(this, "the last chunk taken out"), damaged, damagedFR, damagedEN},
		{"two payloads swapped", (*scene).swapWithin, differs, differsFR, differsEN},
		{"swapped with another submission's", (*scene).swapBetween, damaged, damagedFR, damagedEN},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, s)
			told := s.vault.Forge(s.honest, func(f *desktest.Forgery) { agreed(c.tell)(s, f) })
			if code, _, errOut := v.run("import", v.file(told)); code != exitFindings {
				t.Errorf("exit code %d: %s", code, errOut)
			}
			out := filepath.Join(t.TempDir(), "out")
			code, _, errOut := v.run("get", s.ids[this], "1", "-o", out)
			if code != exitDamaged || !strings.Contains(strings.ReplaceAll(errOut, s.ids[this], this), c.says) {
				t.Errorf("exit code %d: %s", code, errOut)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("the file was saved")
			}
			page := v.pages()
			for language, says := range map[string]string{"fr": c.fr, "en": c.en} {
				if shown := page("/submissions/" + s.ids[this] + "/1?lang=" + language); !strings.Contains(shown, says) {
					t.Errorf("the page lacks %q: %s", says, shown)
				}
			}
		})
	}
}

// agree makes a submission's leaf say what the parcel has of it.
func (s *scene) agree(f *desktest.Forgery, message string) {
	at := slices.IndexFunc(f.Leaves, func(leaf []byte) bool { return isOf(leaf, s.ids[message]) })
	leaf, err := translog.Decode(bytes.Clone(f.Leaves[at]))
	if err != nil {
		s.t.Fatal(err)
	}
	submission := leaf.(translog.Submission)
	for n := range submission.Payloads {
		digest := sha256.Sum256(f.Files[s.payload(message, n)])
		submission.Payloads[n] = hex.EncodeToString(digest[:])
	}
	if f.Leaves[at], err = translog.Encode(submission); err != nil {
		s.t.Fatal(err)
	}
}
