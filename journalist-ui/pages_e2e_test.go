//go:build e2e

package journalist

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/browser"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/preview"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// shots, in the environment, is a folder that keeps the pictures of every page.
const shots = "SOURDINE_SHOTS"

var messages = []string{
	"Bonjour,\n\nCi-joint le cahier des charges de la vidéosurveillance automatisée, version transmise aux candidats le 12 mars. L’annexe 4 (page 31) fixe un seuil de détection des « regroupements » que la mairie a toujours nié.\n\nLe fichier tableur vient du service des achats. Les noms de collègues n’ont pas à paraître.\n\nJe ne reviendrai pas souvent ici.",
	"Demande CADA restée sans réponse depuis trois mois. Je vous envoie l’accusé de réception et leur courrier.",
	"",
	"test",
	"J’ai travaillé deux ans pour le prestataire. Le logiciel de reconnaissance de plaques garde les images trente jours et non quinze, comme l’écrit la préfecture ; voir la capture de l’écran d’administration, prise en janvier.",
	"URGENT !!! Gagnez 5000 € par semaine sans quitter votre canapé, cliquez vite : promo.example/abc",
	"Compte rendu du comité technique du 4 février. Page 2, le directeur parle de « comportements anormaux ».",
	"Photos des nouvelles caméras de la place Masséna, avec le modèle lisible sur l’étiquette.",
}

// demoDesk is a desk after a few weeks of use.
func demoDesk(t *testing.T) (d *desk.Desk, long, doubtful string) {
	t.Helper()
	var lied string
	home := desktest.NewHome(t)
	d = desktest.Open(t, home)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	text := strings.Repeat("Article 4.2 — Le titulaire met en œuvre un traitement algorithmique des images permettant de signaler, en temps réel, tout regroupement de plus de six personnes.\n\n", 30)
	for i, m := range messages {
		v.Day = fmt.Sprintf("2026-03-%02d", 3+3*i)
		v.Channel = []string{"Nice", "Marseille", "équipe nationale"}[i%3]
		var sent []desktest.File
		if i == 0 {
			sent = []desktest.File{
				{Name: "../../état civil «№1».pdf", Type: "application/pdf", Data: append([]byte("%PDF-1.7\n"), make([]byte, 2_340_000)...)},
				{Name: "CCTP_videosurveillance_v7_DEFINITIF_relu_service_juridique_ne_pas_diffuser.txt", Type: "text/plain", Data: []byte(text)},
				{Name: "IMG_20260212_104512.jpg", Type: "image/jpeg", Data: photo()},
				{Name: "achats.xlsx", Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Data: append([]byte("PK\x03\x04"), make([]byte, 48_000)...)},
				{Name: "<script>alert(1)</script>\u202egnp.exe", Type: "", Data: []byte("MZ\x90\x00")},
			}
		}
		for n := range i % 4 {
			sent = append(sent, desktest.File{Name: fmt.Sprintf("scan-%d.txt", n+1), Type: "text/plain", Data: []byte("texte")})
		}
		id := v.Submit(certificate, m, sent...)
		switch i {
		case 0:
			long = id
		case 2:
			lied = id
		}
	}
	s := v.Sealer(certificate)
	doubtful = v.Commit(s.Envelope(), v.Seal(s, []byte("{}")), v.Seal(s, []byte("le texte")))
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.AddReviewer("Camille Martin", spy)
	forged := v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		a, b := desktest.PayloadName(lied, 1), desktest.PayloadName(lied, 2)
		f.Files[a], f.Files[b] = f.Files[b], f.Files[a]
	})
	if _, err := d.Import(t.Context(), bytes.NewReader(forged)); err != nil {
		t.Fatal(err)
	}
	return d, long, doubtful
}

func photo() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 1800, 1200))
	for y := range 1200 {
		for x := range 1800 {
			img.SetRGBA(x, y, color.RGBA{uint8(90 + y/12), uint8(120 + x/24), uint8(200 - y/10), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// serveDesk serves on a real listener, since a browser needs one.
func serveDesk(t *testing.T, d *desk.Desk, unlock func(context.Context, []byte) (*desk.Desk, error)) *Site {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	previewer := preview.New(exe, "preview-worker")
	previewer.Timeout = time.Minute
	site, err := New(Config{Address: l.Addr().String(), Desk: d, Unlock: unlock, Preview: previewer, Failed: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: site}
	go server.Serve(l)
	t.Cleanup(func() { server.Close(); site.Close() })
	return site
}

// A window is a browser of one size, and where its pictures go.
type window struct {
	*browser.Chromium
	t      *testing.T
	base   string
	width  int
	folder string
}

func openWindow(t *testing.T, site *Site, width, height int, languages string) *window {
	t.Helper()
	folder := os.Getenv(shots)
	if folder == "" {
		folder = t.TempDir()
	}
	c, err := browser.StartChromium(t.Context(), browser.Options{Width: width, Height: height, Languages: languages})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w := &window{Chromium: c, t: t, base: "http://" + site.config.Address, width: width, folder: folder}
	w.must(c.Navigate(t.Context(), site.URL()))
	return w
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// look opens a page that must hold want and be no wider than the window, and
// keeps its picture.
func (w *window) look(name, path, want string) {
	w.t.Helper()
	w.must(w.Navigate(w.t.Context(), w.base+path))
	w.see(name, want)
}

func (w *window) see(name, want string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if err := w.WaitText(ctx, "body", want); err != nil {
		text, _ := w.Text(w.t.Context(), "body")
		w.t.Fatalf("%s lacks %q: %v\n%s", name, want, err, text)
	}
	file := filepath.Join(w.folder, fmt.Sprintf("desk-%s-%d.png", name, w.width))
	w.must(w.Screenshot(w.t.Context(), file))
	raw, err := os.ReadFile(file)
	w.must(err)
	shot, err := png.DecodeConfig(bytes.NewReader(raw))
	w.must(err)
	if shot.Width != w.width {
		w.t.Errorf("%s is %d pixels wide in a window of %d", name, shot.Width, w.width)
	}
}

func TestPagesInChromium(t *testing.T) {
	d, long, doubtful := demoDesk(t)
	record, err := d.Casebook().AddRecord(t.Context(), "Détection de « comportements anormaux », place Masséna", []casebook.Field{
		{Key: "ville", Value: "Nice"}, {Key: "entreprise", Value: "Exemple Vision SAS"}, {Key: "année", Value: "2026"},
		{Key: "note", Value: "Le marché a été passé sans étude d’impact.\nVoir la réponse de la CNIL du 3 mars."},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 3, 5} {
		if _, err := d.Casebook().Attach(t.Context(), record.ID, long, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, title := range []string{"Lecture de plaques, Marseille", "Arrêté préfectoral du 14 janvier"} {
		if _, err := d.Casebook().AddRecord(t.Context(), title, nil); err != nil {
			t.Fatal(err)
		}
	}
	for width, height := range map[int]int{1000: 700, 375: 667} {
		w := openWindow(t, serveDesk(t, d, nil), width, height, "fr,en")
		w.see("inbox", "Envois reçus")
		w.look("submission", "/submissions/"+long, "Joindre à une fiche")
		w.look("doubtful", "/submissions/"+doubtful, "douteux")
		w.look("text", "/submissions/"+long+"/2", "Article 4.2")
		w.look("picture", "/submissions/"+long+"/3", "Identique à ce que le serveur a scellé")
		w.look("other", "/submissions/"+long+"/4", "ne peut pas être montré ici")
		w.look("hostile", "/submissions/"+long+"/5", "⟨U+202E⟩")
		w.look("save", "/submissions/"+long+"/4/save", "peut être une attaque")
		w.look("records", "/records", "Lecture de plaques")
		w.look("record", "/records/"+record.ID, "Pièce n°\u00a03")
		w.look("new", "/records/new?submission="+long+"&item=2", "première pièce")
		w.look("log", "/log", "Camille Martin")
		w.look("return", "/return", "Signer et enregistrer")
		w.look("delete", "/submissions/"+long+"/delete", "pour tout le monde et pour toujours")
		w.look("problem", "/nowhere", "Cela n’a pas marché")
		w.look("english", "/submissions/"+long+"?lang=en", "Attach to a record")
	}
}

// A reviewer unlocks the desk, makes a record and attaches a document, with the
// browser's own forms and cookies.
func TestReviewerInChromium(t *testing.T) {
	home := desktest.NewHome(t)
	site := serveDesk(t, nil, func(_ context.Context, passphrase []byte) (*desk.Desk, error) {
		return desk.Open(context.Background(), home, passphrase)
	})
	for width, height := range map[int]int{375: 667} {
		w := openWindow(t, site, width, height, "fr")
		w.see("unlock", "Ouvrir le bureau")
		ctx := t.Context()
		w.must(w.Type(ctx, "#passphrase", "mauvaise phrase"))
		w.must(w.Follow(ctx, "form button"))
		w.see("wrong", "Ce n’est pas la bonne phrase secrète")
		w.must(w.Type(ctx, "#passphrase", desktest.Passphrase))
		w.must(w.Follow(ctx, "form button"))
		w.see("empty", "Rien n’est encore arrivé")
		w.look("norecords", "/records", "pas encore de fiche")
	}
	other := desktest.Open(t, home) // as the command line is beside the pages
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "message", desktest.File{Name: "note.txt", Type: "text/plain", Data: []byte("le texte")})
	importAll(t, other, v)
	ctx := t.Context()
	site.gate.burnt = false
	w := openWindow(t, site, 1000, 700, "fr")
	w.must(w.Follow(ctx, ".inbox a"))
	w.must(w.Follow(ctx, "td.actions a"))
	w.see("reading", "le texte")
	w.must(w.Follow(ctx, ".after p a"))
	w.must(w.Type(ctx, "#title", "Une fiche"))
	w.must(w.Follow(ctx, "main form button"))
	w.see("attached", "Pièce n°\u00a01")
	w.look("submission-again", "/submissions/"+id, "Une fiche")
	w.must(w.Follow(ctx, ".attach button"))
	w.see("attached-again", "Pièce n°\u00a01")
}
