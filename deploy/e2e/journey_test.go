//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/e2e/browser"
	"sourdine/deploy/e2e/program"
	"sourdine/journalist-ui/casebook"
	"sourdine/onion/tornet"
)

// screenshots is where every page's picture goes; `make test` keeps it.
const screenshots = "../../var/screenshots"

// A journey is the whole path of a leak: source, server, pickup, desk, record.
type journey struct {
	t       *testing.T
	ctx     context.Context
	network *tornet.Network
	server  *program.Server
	desk    *program.Desk
	files   []browser.UploadFile
	digests map[string]string // by name, of what the source sends
	source  *program.Visitor  // over Tor
	words   string            // of the source
	pickup  *reviewerAtPickup

	reviewer string // the fingerprint
}

// TestJourney is a leak travelling end to end on real parts: a private Tor
// network, Firefox without JavaScript through its SOCKS port to the onion
// address, pickup with the client key, a desk that cannot read the server's
// files, and Chromium on the desk's pages; then the way back, to the server and to
// the source.
func TestJourney(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	j := &journey{t: t, ctx: ctx, digests: map[string]string{}}
	j.startNetwork()
	j.startServer()
	j.makeFiles()
	j.submit()
	parcel := j.fetchParcel()
	submission := j.importAndCompare(parcel)
	record := j.attach(submission)
	j.look(submission, record)
	j.wayBack(submission)
}

func (j *journey) startNetwork() {
	j.t.Helper()
	network, err := tornet.Start(j.ctx, filepath.Join(j.t.TempDir(), "tor"))
	if err != nil {
		j.t.Fatal(err)
	}
	j.network = network
	j.t.Cleanup(func() { network.Close() })
}

func (j *journey) client(name string) *tornet.Client {
	j.t.Helper()
	c, err := j.network.StartClient(j.ctx, name)
	if err != nil {
		j.t.Fatal(err)
	}
	return c
}

// startServer serves through a tor that runs already, which belongs to the
// private network; TestCanary has the one that serve starts by itself.
func (j *journey) startServer() {
	j.t.Helper()
	j.desk = program.NewDesk(j.t)
	home := filepath.Join(j.t.TempDir(), "home")
	program.Run(j.t, 0, "sourdine", "init", "--home", home)
	program.Run(j.t, 0, "sourdine", "channel", "add", "--home", home, program.Channel)
	card := filepath.Join(j.t.TempDir(), "camille.card")
	if err := os.WriteFile(card, []byte(j.desk.Run(j.t, "card", "--home", j.desk.Home)), 0o600); err != nil {
		j.t.Fatal(err)
	}
	host := j.client("host")
	j.server = program.Serve(j.t, home, "--tor=public", "--tor-control", host.ControlAddr())
	// While it serves: the other commands reach it through the control socket.
	program.Run(j.t, 0, "sourdine", "reviewer", "add", "--home", home, "--channel", program.Channel, card)
}

func (j *journey) makeFiles() {
	dir := j.t.TempDir()
	add := func(name string, content []byte) {
		path := filepath.Join(dir, strconv.Itoa(len(j.files)))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			j.t.Fatal(err)
		}
		j.files = append(j.files, browser.UploadFile{Path: path, Name: name})
		sum := sha256.Sum256(content)
		j.digests[name] = hex.EncodeToString(sum[:])
	}
	add("notes.txt", []byte("Réunion du 3 mars.\n<b>Le fournisseur</b> propose la reconnaissance faciale.\n"))
	add("marché.pdf", pdf("Marché public 2026-17: logiciel d'analyse d'images"))
	add("mairie.jpg", jpegWithEXIF(j.t))
	add("archive.bin", random(60*mib))
	add("../../état civil «№1».pdf", pdf("état civil"))
}

const message = "Bonjour,\nvoici le marché de la ville et une photo de la salle.\nLe fichier des personnes est joint."

// submit is the source: Firefox, no JavaScript, over Tor.
func (j *journey) submit() {
	t, ctx := j.t, j.ctx
	onion := j.server.Line(t, "source-onion", 2*time.Minute)
	socks := j.client("source").SOCKSAddr()
	j.source = j.server.Through(t, socks, onion)
	j.source.WaitReachable(t, 2*time.Minute)
	firefox, err := browser.StartFirefox(ctx, browser.Options{SOCKS: socks, Width: 1000, Height: 700, Languages: "fr,en"})
	if err != nil {
		t.Fatal(err)
	}
	defer firefox.Close()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			j.picture(firefox, "failed")
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("first page", firefox.Navigate(ctx, onion))
	j.picture(firefox, "source-1-home")
	must("to the form", firefox.Follow(ctx, `form[action^="/send"] button`))
	j.picture(firefox, "source-2-form")
	words, err := firefox.Attribute(ctx, `input[name=passphrase]`, "value")
	must("the passphrase", err)
	j.words = words
	must("the channel", firefox.Select(ctx, "#channel", program.Channel))
	must("the message", firefox.Type(ctx, "#message", message))
	must("the files", firefox.AttachFiles(ctx, "#files", j.files))
	start := time.Now()
	must("the upload", firefox.Follow(ctx, `form[action^="/submit"] button`))
	fmt.Printf("60 MiB from Firefox over the private Tor network to the receipt: %s\n", time.Since(start).Round(time.Second))
	j.picture(firefox, "source-3-receipt")
	receipt, err := firefox.Text(ctx, "main")
	must("the receipt", err)
	for _, want := range append([]string{"Reçu", program.Channel, words[:strings.Index(words, " ")]}, j.names()...) {
		if !strings.Contains(receipt, want) {
			t.Errorf("the receipt does not hold %q: %s", want, receipt)
		}
	}
	j.returnToMailbox(firefox, onion, words)
}

// returnToMailbox comes back with the words, typed by hand.
func (j *journey) returnToMailbox(firefox browser.Browser, onion, words string) {
	for _, err := range []error{
		firefox.Navigate(j.ctx, onion+"mailbox"),
		firefox.Type(j.ctx, "#passphrase", strings.ToUpper(words)),
	} {
		if err != nil {
			j.t.Fatal(err)
		}
	}
	j.picture(firefox, "source-4-door")
	if err := firefox.Follow(j.ctx, "main form button"); err != nil {
		j.t.Fatal(err)
	}
	j.picture(firefox, "source-5-mailbox")
	text, err := firefox.Text(j.ctx, "main")
	if err != nil {
		j.t.Fatal(err)
	}
	for _, want := range j.names() {
		if !strings.Contains(text, want) {
			j.t.Errorf("the mailbox does not hold %q: %s", want, text)
		}
	}
}

func (j *journey) names() []string {
	var names []string
	for _, f := range j.files {
		names = append(names, f.Name)
	}
	return names
}

func (j *journey) picture(b browser.Browser, name string) {
	j.t.Helper()
	if err := b.Screenshot(j.ctx, filepath.Join(screenshots, name+".png")); err != nil {
		j.t.Errorf("screenshot %s: %v", name, err)
	}
}

func fileDigest(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// importAndCompare imports at the desk and compares every SHA-256, as listed
// and as saved.
func (j *journey) importAndCompare(parcel string) casebook.Submission {
	t, d := j.t, j.desk
	cmd := d.Command(t, "list", "--home", j.server.Home, "--passphrase-file", d.Passphrase)
	if err := cmd.Run(); err == nil {
		t.Fatal("the desk can read the server's home: this test would prove little")
	}
	if err := d.Command(t, "import", "--home", d.Home, "--passphrase-file", d.Passphrase, d.Put(t, parcel)).Run(); err != nil {
		t.Fatalf("import: %v", err)
	}
	var all []casebook.Submission
	out := d.Run(t, "list", "--home", d.Home, "--passphrase-file", d.Passphrase, "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("list --json: %v: %.500s", err, out)
	}
	if len(all) != 1 || strings.ReplaceAll(all[0].Message, "\r\n", "\n") != message || all[0].Channel != program.Channel || len(all[0].Items) != len(j.files) {
		t.Fatalf("listed %+v", all)
	}
	for i, item := range all[0].Items {
		saved := d.Path(fmt.Sprintf("saved-%d", item.N))
		d.Run(t, "get", "--home", d.Home, "--passphrase-file", d.Passphrase, all[0].ID, strconv.Itoa(item.N), "-o", saved)
		want := j.digests[j.files[i].Name]
		if item.Name != j.files[i].Name || item.SHA256 != want || fileDigest(t, saved) != want {
			t.Errorf("item %d: name %q, sha256 %s listed, %s saved, %s sent as %q", item.N, item.Name, item.SHA256, fileDigest(t, saved), want, j.files[i].Name)
		}
	}
	return all[0]
}

// attach makes a record and attaches the contract to it.
func (j *journey) attach(s casebook.Submission) casebook.Record {
	t, d := j.t, j.desk
	flags := []string{"--home", d.Home, "--passphrase-file", d.Passphrase}
	d.Run(t, append([]string{"record", "add", "--title", "Nice: analyse d'images", "--field", "ville=Nice", "--field", "fournisseur=inconnu"}, flags...)...)
	records := func() []casebook.Record {
		var all []casebook.Record
		if err := json.Unmarshal([]byte(d.Run(t, append([]string{"record", "list", "--json"}, flags...)...)), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	id := records()[0].ID
	d.Run(t, append([]string{"record", "attach", id, s.ID, "2"}, flags...)...)
	all := records()
	if len(all) != 1 || len(all[0].Exhibits) != 1 || all[0].Exhibits[0].SHA256 != j.digests["marché.pdf"] {
		t.Fatalf("records %+v", all)
	}
	return all[0]
}

// look is the reviewer: Chromium on the desk's pages.
func (j *journey) look(s casebook.Submission, r casebook.Record) {
	t, ctx := j.t, j.ctx
	url := j.serveDesk()
	chromium, err := browser.StartChromium(ctx, browser.Options{Width: 1000, Height: 700, Languages: "fr"})
	if err != nil {
		t.Fatal(err)
	}
	defer chromium.Close()
	base := url[:strings.Index(url, "/open/")]
	for _, page := range []struct{ name, url, want string }{
		{"desk-1-inbox", url, "Nice"},
		{"desk-2-submission", base + "/submissions/" + s.ID, "état civil «№1».pdf"},
		{"desk-3-text", base + "/submissions/" + s.ID + "/1", "<b>Le fournisseur</b>"},
		{"desk-4-image", base + "/submissions/" + s.ID + "/3", "mairie.jpg"},
		{"desk-5-other", base + "/submissions/" + s.ID + "/4", "archive.bin"},
		{"desk-6-save", base + "/submissions/" + s.ID + "/2/save", "marché.pdf"},
		{"desk-7-records", base + "/records", "Nice: analyse d'images"},
		{"desk-8-record", base + "/records/" + r.ID, "marché.pdf"},
	} {
		if err := chromium.Navigate(ctx, page.url); err != nil {
			t.Fatalf("%s: %v", page.name, err)
		}
		j.picture(chromium, page.name)
		if text, err := chromium.Text(ctx, "main"); err != nil || !strings.Contains(text, page.want) {
			t.Errorf("%s does not hold %q: %v, %.600s", page.name, page.want, err, text)
		}
	}
	j.checkPixels(chromium, base+"/submissions/"+s.ID+"/3")
}

// checkPixels: the photograph is shown, as a PNG without the EXIF's place.
func (j *journey) checkPixels(chromium browser.Browser, url string) {
	if err := chromium.Navigate(j.ctx, url); err != nil {
		j.t.Fatal(err)
	}
	source, err := chromium.Attribute(j.ctx, "main img", "src")
	if err != nil || source == "" {
		j.t.Errorf("no picture is shown: %v", err)
	}
	if strings.Contains(source, "image/jpeg") {
		j.t.Error("the source's JPEG itself reached the browser")
	}
}

// serveDesk starts the desk's pages and returns their one-time address.
func (j *journey) serveDesk() string {
	cmd := j.desk.Command(j.t, "serve", "--home", j.desk.Home, "--passphrase-file", j.desk.Passphrase)
	out, err := cmd.StdoutPipe()
	if err != nil {
		j.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			j.t.Errorf("the desk ended with %v", err)
		}
	})
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		j.t.Fatalf("the desk did not say its address: %v", err)
	}
	name, url, ok := strings.Cut(strings.TrimSpace(string(bytes.TrimRight(line[:n], "\n"))), " ")
	if !ok || name != "desk" {
		j.t.Fatalf("the desk said %q", line[:n])
	}
	return url
}
