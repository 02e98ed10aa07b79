package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"sourdine/journalist-ui/desk"
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
func (f *deskFlags) open(cmd *cobra.Command, do func(ctx context.Context, d *desk.Desk) error) (err error) {
	passphrase, err := readPassphrase(cmd, f.passphraseFile)
	if err != nil {
		return err
	}
	d, err := desk.Open(cmd.Context(), f.home, passphrase)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(cmd.Context(), d)
}
