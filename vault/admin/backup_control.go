package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"sourdine/vault/seal"
)

// stall is how long a command may take to accept the next piece of a backup. One
// that stands still keeps pages of the vault from being used again.
const stall = 2 * time.Minute

// serveBackup answers with a backup. Plaintext does not leave this process.
func (l *Local) serveBackup(w http.ResponseWriter, r *http.Request) {
	certificate, err := io.ReadAll(io.LimitReader(r.Body, seal.MaxCertificate+1)) // one byte over: refused by the parser
	if err != nil {
		answer(w, nil, fmt.Errorf("failed to read the certificate: %w", err))
		return
	}
	control := http.NewResponseController(w)
	sent := &counter{w: patient{w, control}}
	switch err := l.Backup(r.Context(), sent, certificate); {
	case err == nil:
		_ = control.SetWriteDeadline(time.Time{}) // of the connection, which others may use next
	case sent.n == 0:
		answer(w, nil, err)
	default:
		panic(http.ErrAbortHandler) // only a broken connection tells that it is not whole
	}
}

// patient waits for each write, and not for ever.
type patient struct {
	w       io.Writer
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

func (r *remote) Backup(ctx context.Context, w io.Writer, certificate []byte) error {
	response, err := r.do(ctx, http.MethodPost, "/backup", bytes.NewReader(certificate))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return refusal(response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		var file *fs.PathError // of w, not of the connection
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &file):
			return fmt.Errorf("failed to write the backup: %w", err)
		}
		return fmt.Errorf("the running server broke off the backup: %w", err)
	}
	return nil
}
