package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sourdine/journalist-ui/preview/internal/answer"
)

// DefaultTimeout is how long one preview may take.
const DefaultTimeout = 10 * time.Second

// atOnce is how many workers may run at the same time; each may take 1 GiB of
// memory, and a reviewer's laptop has little.
const atOnce = 2

// A Previewer starts workers. It may be used by several goroutines.
type Previewer struct {
	// Timeout for one document, from the start of its worker to the end of its
	// answer; DefaultTimeout from New. Set it before the first Render.
	Timeout time.Duration

	exe   string
	args  []string
	slots chan struct{}
}

// New returns a Previewer whose workers are the program exe (os.Executable)
// with these arguments, which must lead it to RunWorker and nowhere else first.
func New(exe string, args ...string) *Previewer {
	return &Previewer{Timeout: DefaultTimeout, exe: exe, args: args, slots: make(chan struct{}, atOnce)}
}

// Render shows what it can of a document of size bytes (less than 0: unknown) read
// from r. It never reads more than a piece of it into this process, and stops
// reading when the worker has seen enough. It returns only when no Read of r
// is under way any more, so r must not block for ever.
//
// An error of r comes back as it is, wrapped, and nothing is shown: what could not
// be read to the end may be forged. Other errors are ctx's, or wrap one of this
// package's.
func (p *Previewer) Render(ctx context.Context, r io.Reader, size int64) (Result, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Timeout, ErrTimedOut)
	defer cancel()
	src := &source{r: r, size: size}
	a, err := p.ask(ctx, src)
	switch {
	case src.err != nil:
		return Result{}, fmt.Errorf("reading the document: %w", src.err)
	case err != nil && context.Cause(ctx) != nil:
		return Result{}, context.Cause(ctx)
	case errors.Is(err, ErrNoSandbox):
		return Result{}, err
	case err != nil:
		return Result{}, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	return result(a)
}

// ask has one worker answer. The worker is gone, and src no longer in use, when it returns.
func (p *Previewer) ask(ctx context.Context, src *source) (answer.Answer, error) {
	w, err := start(ctx, p.exe, p.args)
	if err != nil {
		return answer.Answer{}, fmt.Errorf("%w: %w", ErrNoSandbox, err)
	}
	defer w.end()
	if err := answer.AwaitReady(w.stdout); err != nil {
		return answer.Answer{}, fmt.Errorf("%w: %w", ErrNoSandbox, err)
	}
	w.feed(src)
	return answer.Read(w.stdout)
}

// result makes of a checked answer what pages show.
func result(a answer.Answer) (Result, error) {
	res := Result{MediaType: a.MediaType, Truncated: a.Cut}
	switch a.Kind {
	case answer.Text:
		res.Kind, res.Text = KindText, a.Text
	case answer.Image:
		res.Kind = KindImage
		for _, p := range a.Pages {
			page, err := encode(p)
			if err != nil {
				return Result{}, err
			}
			res.Pages = append(res.Pages, page)
		}
	case answer.TooLarge:
		return Result{}, tooLarge(a)
	case answer.Damaged:
		return Result{}, fmt.Errorf("the picture is %w", ErrDamaged)
	default:
		res.Kind = KindOther
	}
	return res, nil
}

func tooLarge(a answer.Answer) error {
	if a.Width == 0 {
		return fmt.Errorf("the picture is %w: its file has more than 128 MiB", ErrTooLarge)
	}
	return fmt.Errorf("the picture is %w: it has %d × %d pixels, and at most 40 million are decoded", ErrTooLarge, a.Width, a.Height)
}
