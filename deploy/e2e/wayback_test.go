//go:build e2e

package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sourdine/deploy/e2e/browser"
	"sourdine/deploy/e2e/program"
	"sourdine/journalist-ui/casebook"
)

const answer = "Merci. Où est la page 2 ?"

// wayBack brings a return parcel to pickup, over Tor and through the form: an
// acknowledgement, a reply and a deletion. Broken ones change nothing, nor does
// the same one again.
func (j *journey) wayBack(s casebook.Submission) {
	t, d := j.t, j.desk
	flags := []string{"--home", d.Home, "--passphrase-file", d.Passphrase}
	run := func(args ...string) { d.Run(t, append(args, flags...)...) }
	text := filepath.Join(t.TempDir(), "answer")
	if err := os.WriteFile(text, []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	run("reply", s.ID, "--message-file", d.Put(t, text))
	run("delete", s.ID, "--yes")
	parcel := d.Path("return.tar")
	run("return", "-o", parcel)

	chromium := j.browse()
	cut := j.broken(parcel, func(b []byte) []byte { return b[:len(b)/2] })
	altered := j.broken(parcel, func(b []byte) []byte { return bytes.Replace(b, []byte(`"sequence":1`), []byte(`"sequence":2`), 1) })
	j.bring(chromium, cut, "pickup-cut", "Le colis de retour a été refusé", "Le fichier est incomplet.", "Rien n’en a été fait.")
	j.bring(chromium, altered, "pickup-altered", "Le colis de retour a été refusé", "Il a été modifié,", "Rien n’en a été fait.")
	if n := j.server.Status(t).Submissions; n != 1 {
		t.Fatalf("%d submissions before the deletion", n)
	}
	done := []string{"Le colis de retour a été appliqué", "1 envoi confirmé.", "1 envoi marqué comme ouvert.", "1 réponse attend sa source.", "1 envoi supprimé pour de bon."}
	j.bring(chromium, parcel, "pickup-applied", done...)
	j.bring(chromium, parcel, "pickup-again", append(done, "Il avait déjà été appliqué, et n’a rien changé cette fois.")...)
	j.checkDeleted(s)
	j.checkAnswered()
	j.checkReceipt(s, flags)
	j.server.Stop(t)
	program.Run(t, 0, "sourdine", "vault", "verify", "--home", j.server.Home)
}

// broken copies a file, and breaks the copy.
func (j *journey) broken(path string, breaks func([]byte) []byte) string {
	j.t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		j.t.Fatal(err)
	}
	changed := breaks(bytes.Clone(raw))
	if bytes.Equal(changed, raw) {
		j.t.Fatal("nothing was broken")
	}
	copied := filepath.Join(j.t.TempDir(), "return.tar")
	if err := os.WriteFile(copied, changed, 0o600); err != nil {
		j.t.Fatal(err)
	}
	return copied
}

// bring uploads a file through pickup's form, and reads the page that answers.
func (j *journey) bring(b browser.Browser, path, name string, want ...string) {
	j.t.Helper()
	for _, err := range []error{
		b.Navigate(j.ctx, j.pickup.onion),
		b.AttachFiles(j.ctx, `input[name="parcel"]`, []browser.UploadFile{{Path: path, Name: "return.tar"}}),
		b.Follow(j.ctx, `form[action^="/return"] button`),
	} {
		if err != nil {
			j.t.Fatalf("%s: %v", name, err)
		}
	}
	j.picture(b, name)
	text, err := b.Text(j.ctx, "main")
	if err != nil {
		j.t.Fatalf("%s: %v", name, err)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			j.t.Errorf("%s does not say %q: %s", name, w, text)
		}
	}
}

// checkDeleted: the vault has the submission no more, and packs it no more.
func (j *journey) checkDeleted(s casebook.Submission) {
	j.t.Helper()
	if n := j.server.Status(j.t).Submissions; n != 0 {
		j.t.Errorf("%d submissions are left after the deletion", n)
	}
	packed, err := os.ReadFile(j.server.Export(j.t))
	if err != nil || bytes.Contains(packed, []byte("submissions/"+s.ID)) {
		j.t.Errorf("the parcel for all still has it: %v", err)
	}
}

// checkAnswered: the source comes back over Tor and reads the reply; the receipt
// stays.
func (j *journey) checkAnswered() {
	j.t.Helper()
	response, err := j.source.Client.PostForm(j.source.URL+"/mailbox?lang=fr", url.Values{"passphrase": {j.words}})
	if err != nil {
		j.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(page), answer) || !strings.Contains(string(page), "marché.pdf") {
		j.t.Errorf("the mailbox: %s, %v, %s", response.Status, err, page)
	}
}

// checkReceipt: the next parcel, over Tor, brings the desk the server's answer.
func (j *journey) checkReceipt(s casebook.Submission, flags []string) {
	t, d := j.t, j.desk
	t.Helper()
	next := j.pickup.resume(j.pickup.parcelOf(j.reviewer))
	out, err := d.Command(t, append([]string{"import", d.Put(t, next)}, flags...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("importing the answer: %v: %s", err, out)
	}
	for _, want := range []string{
		"the server applied return parcel 1: 1 acknowledged, 1 opened, 1 deleted, 1 replies, 0 envelopes, 0 refused",
		"event: submission " + s.ID + " of channel " + program.Channel + " was deleted on ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the import does not say %q: %s", want, out)
		}
	}
	d.Run(t, append([]string{"audit"}, flags...)...)
}
