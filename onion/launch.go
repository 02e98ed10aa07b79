package onion

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sourdine/onion/internal/control"
	"sourdine/onion/internal/torproc"
)

// Names of files in a started tor's folder.
const (
	controlSocket = "control.sock"
	controlCookie = "control_auth_cookie"
)

// dialPause lies between two tries to reach a tor that is starting.
const dialPause = 20 * time.Millisecond

// launch starts a tor of our own in dir and connects to it.
func (t *Tor) launch(ctx context.Context, dir string, extra []string) error {
	binary, err := torproc.Find("tor")
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	socket := filepath.Join(dir, controlSocket)
	if len(socket) > maxSocketPath {
		return fmt.Errorf("folder name %q is too long by %d bytes for a unix socket in it (hint: use a folder with a shorter name)",
			dir, len(socket)-maxSocketPath)
	}
	if t.lock, err = torproc.LockDir(dir); err != nil {
		return err
	}
	// A socket and a cookie of an earlier tor would be mistaken for this one's.
	for _, name := range []string{controlSocket, controlCookie} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("clearing tor's folder: %w", err)
		}
	}
	torrc := append(ownTorrc(socket), extra...)
	t.proc, err = torproc.Start(torproc.Spec{Name: "tor", Binary: binary, Dir: dir, Torrc: torrc})
	if err != nil {
		return err
	}
	return t.dialOwn(ctx, dir)
}

// ownTorrc are the lines of a tor that hosts our services and nothing else: no
// TCP port at all, and a control socket that only this user can open.
func ownTorrc(socket string) []string {
	return []string{
		"SocksPort 0",
		"ControlPort " + torproc.Quote("unix:"+torproc.Quote(socket)),
		"CookieAuthentication 1",
	}
}

// dialOwn connects as soon as the tor listens, and makes it end itself when
// the command connection ends: a further belt beside the death signal.
func (t *Tor) dialOwn(ctx context.Context, dir string) (err error) {
	address := "unix:" + filepath.Join(dir, controlSocket)
	cookie := filepath.Join(dir, controlCookie)
	for t.conn == nil {
		if t.conn, err = control.DialCookie(ctx, address, cookie); err == nil {
			break
		}
		select {
		case <-t.proc.Done():
			return t.proc.Failure()
		case <-ctx.Done():
			return fmt.Errorf("waiting for its control socket: %w%w", ctx.Err(), t.proc.Complaint())
		case <-time.After(dialPause):
		}
	}
	if _, err := t.conn.Do(ctx, "TAKEOWNERSHIP"); err != nil {
		return err
	}
	t.events, err = control.DialCookie(ctx, address, cookie)
	return err
}
