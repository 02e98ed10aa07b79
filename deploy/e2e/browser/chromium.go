package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const chromiumPath = "/usr/bin/chromium"

// Chromium is a headless Chromium with one tab.
type Chromium struct {
	verbs
	profile profile
	proc    *process
	tab     context.Context // chromedp's; only its values are used
	cancel  context.CancelFunc
	frame   cdp.FrameID // "" is the top page
}

// StartChromium is StartFirefox for Chromium. It runs without its own sandbox,
// which does not work as root.
func StartChromium(ctx context.Context, o Options) (*Chromium, error) {
	p, err := openProfile(o.Profile)
	if err != nil {
		return nil, err
	}
	c := &Chromium{profile: p}
	c.verbs = verbs{c}
	if err := c.start(ctx, o.withDefaults()); err != nil {
		return nil, errors.Join(fmt.Errorf("starting Chromium: %w", err), c.Close())
	}
	return c, nil
}

func (c *Chromium) start(ctx context.Context, o Options) error {
	flags, err := chromiumFlags(c.profile, o)
	if err != nil {
		return err
	}
	if err := c.connect(flags); err != nil {
		return err
	}
	// chromedp ties the connection to the context of its first call, which must
	// therefore be the tab's own: ctx ends it by ending the process.
	stop := context.AfterFunc(ctx, func() { _ = c.proc.cmd.Process.Kill() })
	err = chromedp.Do(c.tab)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		return c.proc.explain(err)
	}
	return c.dress(ctx, o)
}

// connect starts the process with the two pipes of --remote-debugging-pipe, so
// that no port is open for its control.
func (c *Chromium) connect(flags []string) error {
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirIn.Close()
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, ourOut.Close())
	}
	defer theirOut.Close()
	c.proc, err = startProcess(c.profile, "chromium", []*os.File{theirIn, theirOut}, chromiumPath, flags...)
	if err != nil {
		return errors.Join(err, ourOut.Close(), ourIn.Close())
	}
	allocated, cancelAllocator := chromedp.NewAllocatorContext(context.Background(), &pipes{ourIn, ourOut})
	tab, cancelTab := chromedp.NewContext(allocated, chromedp.WithErrorf(func(string, ...any) {}))
	c.tab, c.cancel = tab, func() { cancelTab(); cancelAllocator() }
	return nil
}

// dress sets what belongs to the tab.
func (c *Chromium) dress(ctx context.Context, o Options) error {
	size := emulation.SetDeviceMetricsOverrideParams{Width: int64(o.Width), Height: int64(o.Height), DeviceScaleFactor: 1}
	if _, err := chromedp.Call(c.in(ctx), emulation.SetDeviceMetricsOverride, size); err != nil {
		return err
	}
	_, err := chromedp.Call(c.in(ctx), emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: !o.JavaScript})
	return err
}

func chromiumFlags(p profile, o Options) ([]string, error) {
	host, port, err := o.proxy()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	flags := strings.Fields(`
		--headless --no-sandbox --remote-debugging-pipe
		--disable-gpu --disable-dev-shm-usage --hide-scrollbars --force-color-profile=srgb
		--no-first-run --no-default-browser-check --disable-search-engine-choice-screen
		--disable-default-apps --disable-extensions --disable-component-extensions-with-background-pages
		--disable-background-networking --disable-component-update --disable-sync --no-pings
		--disable-domain-reliability --disable-client-side-phishing-detection --metrics-recording-only
		--disable-breakpad
		--disable-quic --dns-over-https-mode=off --password-store=basic`)
	return append(flags,
		"--disable-features=NetworkTimeServiceQuerying,HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable,"+
			"MediaRouter,DialMediaRouteProvider,OptimizationHints,Translate,AutofillServerCommunication",
		"--user-data-dir="+p.dir,
		fmt.Sprintf("--window-size=%d,%d", o.Width, o.Height),
		"--accept-lang="+o.Languages,
		// Services that no switch silences are told to ask where nobody answers.
		"--gaia-url=http://"+nowhere+"/",
		"--google-apis-url=http://"+nowhere+"/",
		"--component-updater=url-source=http://"+nowhere+"/",
		"--variations-server-url=http://"+nowhere+"/",
		"--variations-insecure-server-url=http://"+nowhere+"/",
		// A SOCKS5 proxy resolves the names itself; the rules stop all other resolving.
		"--proxy-server=socks5://"+addr,
		"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE "+host,
		"about:blank"), nil
}

// pipes is chromedp's view of a browser that runs already.
type pipes struct{ in, out *os.File }

func (p *pipes) Allocate(ctx context.Context, opts ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, chromedp.NewPipeConn(p.in, p.out), opts...)
}

func (p *pipes) Wait() {}

func (p *pipes) Attaches() bool { return true }

// in gives chromedp the tab, and the caller's context the say when to stop.
func (c *Chromium) in(ctx context.Context) context.Context { return tabContext{ctx, c.tab} }

type tabContext struct {
	context.Context
	tab context.Context
}

func (t tabContext) Value(key any) any { return t.tab.Value(key) }

func (c *Chromium) gone() <-chan struct{} { return c.proc.done }

// Close ends Chromium and removes its temporary files.
func (c *Chromium) Close() error {
	var err error
	if c.proc != nil {
		err = c.proc.stop()
	}
	if c.cancel != nil {
		c.cancel()
	}
	return errors.Join(err, c.profile.close())
}
