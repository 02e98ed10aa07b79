package preview

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"sourdine/journalist-ui/preview/internal/answer"
)

// previewer has patience, for machines that do much else while they test.
func previewer(role string) *Previewer {
	p := New(os.Args[0], role)
	p.Timeout = time.Minute
	return p
}

func render(t testing.TB, b []byte) (Result, error) {
	t.Helper()
	return previewer("preview-worker").Render(t.Context(), bytes.NewReader(b), int64(len(b)))
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = byte(i*i>>7) | byte(i%4/3*255)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRenderText(t *testing.T) {
	for in, want := range map[string]Result{
		"":         {Kind: KindText, MediaType: "text/plain"},
		"café\r\n": {Kind: KindText, MediaType: "text/plain", Text: "café\n"},
		"caf\xe9":  {Kind: KindText, MediaType: "text/plain", Text: "café"},
		"a\u202eb": {Kind: KindText, MediaType: "text/plain", Text: "a⟨U+202E⟩b"},
		"<svg xmlns=\"http://www.w3.org/2000/svg\"/>": {Kind: KindText, MediaType: "image/svg+xml", Text: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"},
		"%PDF-1.7\n":      {Kind: KindOther, MediaType: "application/pdf"},
		"\x00\x01\x02":    {Kind: KindOther, MediaType: "application/octet-stream"},
		"\x7fELF\x00\x00": {Kind: KindOther, MediaType: "application/x-elf"},
	} {
		got, err := render(t, []byte(in))
		if err != nil || got.Kind != want.Kind || got.MediaType != want.MediaType || got.Text != want.Text || got.Truncated || got.Pages != nil {
			t.Errorf("%q: %v, %+v, want %+v", in, err, got, want)
		}
	}
}

func TestRenderPicture(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 3200, 20))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for x := range 1600 {
		for y := range 20 {
			img.SetRGBA(x, y, color.RGBA{200, 100, 50, 255})
		}
	}
	got, err := render(t, pngOf(t, img))
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != KindImage || got.MediaType != "image/png" || len(got.Pages) != 1 {
		t.Fatalf("%s %s, %d pages", got.Kind, got.MediaType, len(got.Pages))
	}
	p := got.Pages[0]
	if p.Width != 1600 || p.Height != 10 || p.FullWidth != 3200 || p.FullHeight != 20 {
		t.Errorf("%d × %d of %d × %d", p.Width, p.Height, p.FullWidth, p.FullHeight)
	}
	shown, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		t.Fatal(err)
	}
	if b := shown.Bounds(); b.Dx() != 1600 || b.Dy() != 10 {
		t.Errorf("the PNG is %v", b)
	}
	if got, want := shown.At(799, 9), (color.RGBA{200, 100, 50, 255}); color.RGBAModel.Convert(got) != want {
		t.Errorf("left half %v, want %v", got, want)
	}
	if got := shown.At(800, 0); color.RGBAModel.Convert(got) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("right half %v, want white", got)
	}
}

func TestNothingOfTheFileButPixels(t *testing.T) {
	marker := []byte("the source's name")
	file := jpegOf(t, 32, 32)
	comment := append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, byte(2 + len(marker))}, marker...)
	file = append(append(append(comment, file[2:]...), marker...), "<script>"...)
	got, err := render(t, file)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := json.Marshal(got); bytes.Contains(out, marker) || bytes.Contains(got.Pages[0].PNG, marker) {
		t.Error("metadata of the picture came through")
	}
}

func TestHostileDocuments(t *testing.T) {
	huge := pngOf(t, image.NewGray(image.Rect(0, 0, 2, 2)))
	copy(huge[16:], "\x00\x00\xea\x60\x00\x00\xea\x60")
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	photo := jpegOf(t, 200, 200)
	for name, c := range map[string]struct {
		in   []byte
		want error
		text string
	}{
		"png of 60,000 × 60,000": {huge, ErrTooLarge, "the picture is too large to show: it has 60000 × 60000 pixels, and at most 40 million are decoded"},
		"truncated jpeg":         {photo[:len(photo)/2], ErrDamaged, "the picture is damaged, or of a variant that cannot be shown"},
	} {
		got, err := render(t, c.in)
		if !errors.Is(err, c.want) || err.Error() != c.text || got.Kind != "" {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// TestBombStaysSmallHere: 15 million pixels in 20 kB. The worker unfolds them,
// this process sees 1,600 columns.
func TestBombStaysSmallHere(t *testing.T) {
	bomb := pngOf(t, image.NewGray(image.Rect(0, 0, 5000, 3000)))
	if len(bomb) > 60_000 {
		t.Fatalf("a bomb of %d bytes", len(bomb))
	}
	var got Result
	grown := allocated(func() {
		var err error
		if got, err = render(t, bomb); err != nil {
			t.Fatal(err)
		}
	})
	if p := got.Pages[0]; p.Width != 1600 || p.FullWidth != 5000 {
		t.Errorf("%d × %d of %d × %d", p.Width, p.Height, p.FullWidth, p.FullHeight)
	}
	if grown > 60<<20 {
		t.Errorf("%d MiB were allocated in the desk", grown>>20)
	}
}

// worstJPEG is the picture that takes the most memory for its size: progressive, four colours,
// all of it black, and as many pixels as we decode.
func worstJPEG() []byte {
	const w, h = 8000, 4992
	segment := func(marker byte, data ...byte) []byte {
		return append([]byte{0xff, marker, byte((len(data) + 2) >> 8), byte(len(data) + 2)}, data...)
	}
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00")...)...)
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(0xc2, 8, h>>8, h&255, w>>8, w&255, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)...)
	b = append(b, segment(0xc4, append([]byte{0, 1}, make([]byte, 16)...)...)...) // the bit 0 means: as before
	b = append(b, segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 0, 0)...)
	return append(append(b, make([]byte, w*h/64*4/8)...), 0xff, 0xd9)
}

// TestWorstPicture shows that the worker's memory is enough for what it does
// not refuse.
func TestWorstPicture(t *testing.T) {
	got, err := render(t, worstJPEG())
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Pages[0]; p.Width != 1600 || p.FullWidth != 8000 {
		t.Errorf("%d × %d of %d × %d", p.Width, p.Height, p.FullWidth, p.FullHeight)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// repeat is a document of one byte over and over.
type repeat struct {
	b    byte
	left int64
	read int64
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), r.left))
	for i := range p[:n] {
		p[i] = r.b
	}
	r.left -= int64(n)
	r.read += int64(n)
	return n, nil
}

func TestGiantsAreNotRead(t *testing.T) {
	for b, want := range map[byte]Kind{0: KindOther, 'a': KindText} {
		r := &repeat{b: b, left: 1 << 30}
		var got Result
		grown := allocated(func() {
			var err error
			if got, err = previewer("preview-worker").Render(t.Context(), r, 1<<30); err != nil {
				t.Fatal(err)
			}
		})
		if got.Kind != want || got.Truncated != (want == KindText) || len(got.Text) > answer.MaxText {
			t.Errorf("1 GiB of %q: %s, truncated %v, %d bytes", b, got.Kind, got.Truncated, len(got.Text))
		}
		if grown > 16<<20 || r.read > 4<<20 {
			t.Errorf("1 GiB of %q: %d bytes allocated, %d read", b, grown, r.read)
		}
	}
}

func TestSourceFails(t *testing.T) {
	text := strings.NewReader(strings.Repeat("text ", 1000))
	broken := errors.New("forged")
	for name, c := range map[string]struct {
		r    io.Reader
		size int64
		want error
	}{
		"breaks at once":   {iotest.ErrReader(broken), 10, broken},
		"breaks later":     {io.MultiReader(text, iotest.ErrReader(broken)), -1, broken},
		"data with error":  {iotest.DataErrReader(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken))), -1, broken},
		"too short":        {strings.NewReader("abc"), 4, errSize},
		"too long":         {strings.NewReader("abc"), 2, errSize},
		"empty, announced": {strings.NewReader(""), 1, errSize},
	} {
		got, err := previewer("preview-worker").Render(t.Context(), c.r, c.size)
		if !errors.Is(err, c.want) || got.Kind != "" {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

func TestWorkersThatMisbehave(t *testing.T) {
	for role, want := range map[string]error{
		"silent":       ErrTimedOut,
		"deaf":         ErrTimedOut,
		"hang":         ErrTimedOut,
		"linger":       nil, // its answer was whole
		"gone":         ErrNoSandbox,
		"usage":        ErrNoSandbox,
		"no sandbox":   ErrNoSandbox,
		"die":          ErrDamaged,
		"say nothing":  ErrDamaged,
		"garbage":      ErrDamaged,
		"half":         ErrDamaged,
		"flood":        ErrDamaged,
		"markup":       ErrDamaged,
		"huge picture": ErrDamaged,
	} {
		t.Run(role, func(t *testing.T) {
			p := previewer(role)
			if want == ErrTimedOut || want == nil {
				p.Timeout = 300 * time.Millisecond
			}
			r := &repeat{b: 'a', left: 1 << 20}
			began := time.Now()
			got, err := p.Render(t.Context(), r, 1<<20)
			if !errors.Is(err, want) || (err == nil) != (got.Kind == KindOther) {
				t.Errorf("%v, %+v", err, got)
			}
			if want == ErrNoSandbox && r.read > 0 {
				t.Errorf("%d bytes were read for a worker that is not shut in", r.read)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("killed only after %v", took)
			}
		})
	}
	if _, err := New("/nonexistent").Render(t.Context(), strings.NewReader("x"), 1); !errors.Is(err, ErrNoSandbox) {
		t.Errorf("no program: %v", err)
	}
}

func TestNoEscapeFromRender(t *testing.T) {
	got, err := previewer("escape").Render(t.Context(), strings.NewReader("take over"), -1)
	if err != nil || got.Text != "" {
		t.Errorf("%v; what worked: %q", err, got.Text)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := previewer("hang").Render(ctx, strings.NewReader("x"), 1); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimedOut) {
		t.Errorf("in the middle: %v", err)
	}
	p := previewer("hang")
	for range atOnce {
		p.slots <- struct{}{}
	}
	if _, err := p.Render(ctx, strings.NewReader("x"), 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while waiting for a free worker: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	p := previewer("preview-worker")
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			want := fmt.Sprintf("document %d", i)
			if got, err := p.Render(t.Context(), strings.NewReader(want), -1); err != nil || got.Text != want {
				t.Errorf("%v, %q, want %q", err, got.Text, want)
			}
		})
	}
	wg.Wait()
}

// TestInTheDesk renders from a sealed process, as root and as an ordinary user.
func TestInTheDesk(t *testing.T) {
	exe := copied(t)
	users := map[string]*syscall.SysProcAttr{"user": {}}
	if os.Getuid() == 0 {
		users["root"] = &syscall.SysProcAttr{}
		users["user"] = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	for name, attr := range users {
		for _, seal := range []string{"sealed", "open"} {
			cmd := exec.Command(exe, "desk", seal)
			cmd.SysProcAttr, cmd.Stdin, cmd.Stderr = attr, bytes.NewReader(jpegOf(t, 100, 50)), os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s, %s: %v", name, seal, err)
			}
			var got struct {
				Result Result
				Err    string
			}
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if got.Err != "" || got.Result.Kind != KindImage || got.Result.Pages[0].Width != 100 {
				t.Errorf("%s, %s: %s %+v", name, seal, got.Err, got.Result.Kind)
			}
		}
	}
}

// copied is this program where every user may run it.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	src, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "desk")
	if err := os.WriteFile(exe, src, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

func BenchmarkRender(b *testing.B) {
	for _, c := range []struct {
		name string
		file []byte
	}{
		{"text of 2 kB", bytes.Repeat([]byte("bonjour\n"), 256)},
		{"text of 1 MiB", bytes.Repeat([]byte("bonjour\n"), 1<<17)},
		{"jpeg of 0.5 megapixels", jpegOf(b, 800, 600)},
		{"jpeg of 12 megapixels", jpegOf(b, 4000, 3000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := previewer("preview-worker")
			for b.Loop() {
				if _, err := p.Render(b.Context(), bytes.NewReader(c.file), int64(len(c.file))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
