//go:build e2e

package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const hostileName = "../../état civil «№1».pdf"

func TestFormArrivesAsTyped(t *testing.T) {
	site := newSite(t)
	pdf, pdfSum := fileOf(t, "scan.pdf", 300_000)
	big, bigSum := fileOf(t, "archive.bin", 60<<20)
	eachBrowser(t, Options{Languages: "fr,en"}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t,
			b.Navigate(ctx, site.URL+"/"),
			b.Type(ctx, "textarea", "Déjà vu\n\"quoted\" "),
			b.Type(ctx, "textarea", "🗝 & more"),
			b.Select(ctx, "select", "b"),
			b.AttachFiles(ctx, "input[type=file]", []UploadFile{{Path: pdf}}),
			// Replaces the first choice.
			b.AttachFiles(ctx, "input[type=file]", []UploadFile{{Path: pdf, Name: hostileName}, {Path: big}, {Path: pdf, Name: "plain"}}),
			b.Follow(ctx, "button"),
		)
		title, err := b.Title(ctx)
		must(t, err)
		text, err := b.Text(ctx, "h1")
		must(t, err)
		if title != "done" || text != "received 6 parts" {
			t.Errorf("the page after: %q, %q", title, text)
		}
		checkPart := func(i int, disposition, contentType string, size int64, sum [32]byte) {
			t.Helper()
			p := site.lastParts()[i]
			if p.disposition != disposition || p.contentType != contentType || p.size != size || p.sum != sum {
				t.Errorf("part %d: %s, %s, %d bytes", i, p.disposition, p.contentType, p.size)
			}
		}
		if got := site.lastParts()[0].text; got != "Déjà vu\r\n\"quoted\" 🗝 & more" {
			t.Errorf("text arrived as %q", got)
		}
		if got := site.lastParts()[1].text; got != "b" {
			t.Errorf("selection arrived as %q", got)
		}
		checkPart(2, `form-data; name="files"; filename="`+hostileName+`"`, "application/pdf", 300_000, pdfSum)
		checkPart(3, `form-data; name="files"; filename="archive.bin"`, "application/octet-stream", 60<<20, bigSum)
		checkPart(4, `form-data; name="files"; filename="plain"`, "application/pdf", 300_000, pdfSum)
		if seen := site.seen(); !strings.Contains(seen[len(seen)-1], "fr,en;q=0.") {
			t.Errorf("languages: %q", seen[len(seen)-1])
		}
	})
}

func TestEmptyFormAndLongText(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/"), b.Follow(ctx, "button"))
		if p := site.lastParts(); len(p) != 4 || p[2].disposition != `form-data; name="files"; filename=""` || p[2].size != 0 {
			t.Errorf("empty form: %+v", p)
		}
		long := strings.Repeat("été 🗝 à la ligne\n", 1<<20/26)
		begin := time.Now()
		must(t, b.Navigate(ctx, site.URL+"/"), b.Type(ctx, "textarea", long))
		t.Logf("1 MiB typed in %v", time.Since(begin).Round(time.Millisecond))
		must(t, b.Follow(ctx, "button"))
		if got := site.lastParts()[0]; got.size != int64(len(long)+strings.Count(long, "\n")) { // sent as CRLF
			t.Errorf("%d bytes arrived of %d", got.size, len(long))
		}
	})
}

// The size that the frames' progress bar is drawn for, and the pace at which the
// server takes it: four seconds.
const slowUpload = 16 << 20

func TestProgressFrameLivesDuringUpload(t *testing.T) {
	site := newSite(t)
	site.pause = 60 * time.Millisecond // each 256 KiB
	path, sum := fileOf(t, "slow.bin", slowUpload)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		site.mu.Lock()
		site.received = 0
		site.mu.Unlock()
		must(t,
			b.Navigate(ctx, site.URL+"/frames"),
			b.AttachFiles(ctx, "input", []UploadFile{{Path: path}}),
			b.Click(ctx, "button"),
			b.SwitchToFrame(ctx, "iframe[name=progress]"),
		)
		values := map[string]bool{}
		for !values[fmt.Sprint(slowUpload)] {
			value, err := b.Attribute(ctx, "progress", "value")
			if ctx.Err() != nil {
				t.Fatalf("saw only %v: %v", values, err)
			}
			if err == nil {
				values[value] = true
			}
			time.Sleep(100 * time.Millisecond)
		}
		if len(values) < 4 { // none, two in between, all
			t.Errorf("progress was seen at %v only", values)
		}
		title, err := b.Title(ctx)
		must(t, err)
		source, err := b.Source(ctx)
		must(t, err)
		if title != "frames" || !strings.Contains(source, "<progress") {
			t.Errorf("from within a frame: title %q, source %q", title, source)
		}
		checkPicture(t, ctx, b, 1000, 900)
		must(t,
			b.WaitText(ctx, "p", fmt.Sprint(slowUpload)),
			b.SwitchToFrame(ctx, "iframe[name=answer]"),
			b.WaitText(ctx, "h1", "received 1 parts"),
		)
		if got := site.lastParts()[0]; got.sum != sum {
			t.Errorf("the file arrived changed: %d bytes", got.size)
		}
	})
}

func TestConnectionCutIsAnError(t *testing.T) {
	site := newSite(t)
	path, _ := fileOf(t, "cut.bin", 16<<20)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/cut"), b.AttachFiles(ctx, "input", []UploadFile{{Path: path}}))
		if err := b.Follow(ctx, "button"); err == nil || ctx.Err() != nil {
			t.Errorf("no error, or only at the end of the context: %v", err)
		} else {
			t.Log(err)
		}
	})
}
