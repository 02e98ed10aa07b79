//go:build e2e

package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScriptsAreOff(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/script"), b.WaitFor(ctx, "#off"), b.Click(ctx, "#handler"), b.Click(ctx, "#url"))
		time.Sleep(200 * time.Millisecond) // for a click to have had its effect
		title, err := b.Title(ctx)
		must(t, err)
		text, err := b.Text(ctx, "#p")
		must(t, err)
		if title != "plain" || text != "plain" {
			t.Errorf("a script ran: title %q, text %q", title, text)
		}
	})
}

func TestScriptsOnWhenAsked(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{JavaScript: true}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/script"))
		title, err := b.Title(ctx)
		must(t, err)
		if title != "scripted" {
			t.Errorf("title %q: the script that TestScriptsAreOff relies on does not work", title)
		}
	})
}

func TestReading(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/bad"))
		text, err := b.Text(ctx, "h1")
		must(t, err)
		if text != "too large" {
			t.Errorf("page of an error status: %q", text)
		}
		must(t, b.Navigate(ctx, site.URL+"/"))
		url, err := b.URL(ctx)
		must(t, err)
		source, err := b.Source(ctx)
		must(t, err)
		if url != site.URL+"/" || !strings.Contains(source, "eight words") {
			t.Errorf("url %q, source %q", url, source)
		}
		words, err := b.Attribute(ctx, "[name=words]", "value")
		must(t, err)
		none, err := b.Attribute(ctx, "[name=words]", "lang")
		must(t, err)
		if words != "eight words" || none != "" {
			t.Errorf("attributes %q, %q", words, none)
		}
		options, err := b.FindAll(ctx, "option")
		must(t, err)
		nothing, err := b.FindAll(ctx, "video")
		must(t, err)
		if len(options) != 2 || len(nothing) != 0 {
			t.Errorf("%d options, %d videos", len(options), len(nothing))
		}
	})
}

func TestFailuresAreErrors(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/"))
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if err := b.WaitFor(short, "#absent"); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("end of context: %v", err)
		} else {
			t.Logf("end of context: %v", err)
		}
		for name, err := range map[string]error{
			"absent element":    b.Click(ctx, "#absent"),
			"bad selector":      b.Click(ctx, "p["),
			"hidden element":    b.Click(ctx, "[name=words]"),
			"not a frame":       b.SwitchToFrame(ctx, "h1"),
			"absent option":     b.Select(ctx, "select", "c"),
			"absent file":       b.AttachFiles(ctx, "[type=file]", []UploadFile{{Path: "/nonexistent"}}),
			"closed port":       b.Navigate(ctx, "http://127.0.0.1:9/"),
			"beyond loopback":   b.Navigate(ctx, "http://192.0.2.1/"),
			"name unknown":      b.Navigate(ctx, "http://beyond.example/"),
			"context ended":     b.Navigate(short, site.URL+"/"),
			"no such directory": b.Screenshot(ctx, "/nonexistent/a.png"),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			} else {
				t.Logf("%s: %v", name, err)
			}
		}
		must(t, b.Navigate(ctx, site.URL+"/"), b.WaitText(ctx, "h1", "Form"))
	})
}

func TestScreenshotIsTheWholePage(t *testing.T) {
	site := newSite(t)
	eachBrowser(t, Options{Width: 360, Height: 640}, func(t *testing.T, ctx context.Context, b Browser) {
		must(t, b.Navigate(ctx, site.URL+"/narrow"))
		picture := checkPicture(t, ctx, b, 360, 3016)
		size := picture.Bounds().Size()
		if r, _, blue, _ := picture.At(300, size.Y-20).RGBA(); blue < r {
			t.Error("the end of the page is not in the picture")
		}
	})
}

// checkPicture takes a screenshot and checks its size.
func checkPicture(t *testing.T, ctx context.Context, b Browser, width, height int) image.Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.png")
	must(t, b.Screenshot(ctx, path))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	picture, err := png.Decode(file)
	must(t, err)
	if size := picture.Bounds().Size(); size != image.Pt(width, height) {
		t.Errorf("the picture measures %v", size)
	}
	return picture
}

func TestOnlyTheProxyIsAskedAndOnlyForThePages(t *testing.T) {
	const onion = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
	for name := range starters {
		t.Run(name, func(t *testing.T) {
			site := newSite(t)
			proxy := newSOCKS(t, site.Listener.Addr().String())
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			b, err := starters[name](ctx, Options{SOCKS: proxy.Addr().String()})
			must(t, err)
			defer b.Close()
			must(t, b.Navigate(ctx, "http://"+onion+"/third"), b.WaitText(ctx, "h1", "Onion"),
				b.Screenshot(ctx, filepath.Join(t.TempDir(), "a.png")))
			if f, ok := b.(*Firefox); ok {
				var secure bool
				if err := f.script(ctx, `return window.isSecureContext`, nil, &secure); err != nil || !secure {
					t.Errorf("an onion page is no secure context: %v", err)
				}
			}
			must(t, // on loopback, hence without the proxy
				b.Navigate(ctx, strings.Replace(site.URL, "127.0.0.1", "localhost", 1)+"/"),
				b.Navigate(ctx, site.URL+"/"), b.WaitText(ctx, "h1", "Form"))
			time.Sleep(idle)
			hosts := slices.Sorted(maps.Keys(proxy.seen()))
			if !slices.Equal(hosts, []string{onion, "third.example"}) {
				t.Errorf("the proxy was asked for %q", hosts)
			}
			if url, err := b.URL(ctx); err != nil || url != site.URL+"/" {
				t.Errorf("url %q, %v", url, err)
			}
		})
	}
}

// How long a browser is watched for requests of its own. Ten minutes, with all its
// system calls watched, were clean when this was written.
const idle = 3 * time.Second

func TestCloseLeavesNothing(t *testing.T) {
	site := newSite(t)
	for name, start := range starters {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			tmp, err := os.MkdirTemp("", "t") // t.TempDir's paths are too long for Chromium's socket
			must(t, err)
			defer os.RemoveAll(tmp)
			t.Setenv("TMPDIR", tmp)
			b, err := start(ctx, Options{})
			must(t, err)
			must(t, b.Navigate(ctx, site.URL+"/"))
			if n := len(processesOf(t, tmp)); n < 2 {
				t.Errorf("only %d processes seen: the search is blind", n)
			}
			must(t, b.Close(), b.Close())
			if err := b.Navigate(ctx, site.URL+"/"); err == nil {
				t.Error("it navigates after Close")
			}
			if left := processesOf(t, tmp); len(left) > 0 {
				t.Errorf("processes left: %q", left)
			}
			if files, _ := filepath.Glob(filepath.Join(tmp, "*")); len(files) > 0 {
				t.Errorf("files left: %q", files)
			}
		})
	}
}

func TestKilledTestLeavesNoBrowser(t *testing.T) {
	if os.Getenv("BROWSER_TEST_CHILD") != "" {
		for _, start := range starters {
			_, err := start(t.Context(), Options{})
			must(t, err)
		}
		fmt.Println("started")
		select {} // until killed
	}
	tmp, err := os.MkdirTemp("", "t")
	must(t, err)
	defer os.RemoveAll(tmp)
	child := exec.Command(os.Args[0], "-test.run=^TestKilledTestLeavesNoBrowser$")
	child.Env = append(os.Environ(), "BROWSER_TEST_CHILD=1", "TMPDIR="+tmp)
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	before := processesOf(t, tmp)
	_ = child.Process.Kill()
	_ = child.Wait()
	if line != "started\n" || len(before) < 6 {
		t.Fatalf("%q and %d processes: the browsers did not start", line, len(before))
	}
	left := before
	for end := time.Now().Add(10 * time.Second); len(left) > 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		left = processesOf(t, tmp)
	}
	if len(left) > 0 {
		t.Errorf("of %d processes these outlive the test: %q", len(before), left)
	}
}

// processesOf lists the running processes that have folder in their environment
// or, since Chromium's overwrite that, on their command line.
func processesOf(t *testing.T, folder string) (lines []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	for _, path := range paths {
		env, _ := os.ReadFile(filepath.Join(path, "environ"))
		line, _ := os.ReadFile(filepath.Join(path, "cmdline"))
		if strings.Contains(string(env), "TMPDIR="+folder+"/") || strings.Contains(string(line), folder+"/") {
			lines = append(lines, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return lines
}
