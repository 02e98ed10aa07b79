package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
)

// addHome gives a command the flag that nearly all have.
func addHome(cmd *cobra.Command, home *string) {
	cmd.Flags().StringVar(home, "home", "", "the desk's folder (required)")
	_ = cmd.MarkFlagRequired("home") // fails only for a flag that is not there
}

// deskFlags are those of every command that opens the home.
type deskFlags struct {
	home, passphraseFile string
}

func (f *deskFlags) add(cmd *cobra.Command) {
	addHome(cmd, &f.home)
	addPassphraseFile(cmd, &f.passphraseFile)
}

// open opens the home for do.
func (f *deskFlags) open(cmd *cobra.Command, do func(ctx context.Context, d *desk.Desk) error) error {
	return f.openToSign(cmd, func(ctx context.Context, d *desk.Desk, _ []byte) error { return do(ctx, d) })
}

// openToSign opens the home for do, which signs something and needs the
// passphrase again.
func (f *deskFlags) openToSign(cmd *cobra.Command, do func(ctx context.Context, d *desk.Desk, passphrase []byte) error) (err error) {
	passphrase, err := readPassphrase(cmd, f.passphraseFile)
	if err != nil {
		return err
	}
	d, err := openDesk(cmd, f.home, passphrase)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(cmd.Context(), d, passphrase)
}

// openDesk opens the home, and says when others on this machine can get at it.
func openDesk(cmd *cobra.Command, home string, passphrase []byte) (*desk.Desk, error) {
	d, err := desk.Open(cmd.Context(), home, passphrase)
	if err != nil {
		return nil, err
	}
	exposed, err := desk.Exposed(home)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if len(exposed) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: others on this machine can get at the home (%s); close it with: chmod -R go= %s\n",
			visible.Line(strings.Join(exposed, ", ")), visible.Line(home))
	}
	return d, nil
}
