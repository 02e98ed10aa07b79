package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
)

// verifyPause is how often verify says how far it is: small vaults never do.
const verifyPause = 5 * time.Second

func vaultVerifyCommand() *cobra.Command {
	var home string
	var asJSON, repair bool
	cmd := &cobra.Command{
		Use:   "verify --home DIR [--repair] [--json]",
		Short: "read every byte, and say what is damaged and what is fine",
		Long: `verify reads every byte of the home's files while nobody serves it, and says what
is damaged, which submissions suffer from it, and what is fine. It finds one
flipped byte anywhere in a home that was closed. After a crash pages of
the vault that hold nothing are not checked before it was served and stopped
once more. What tor keeps in tor/, and the sockets in run/, are not read.

It changes nothing. --repair mends in the slots file what has a second good copy.
The exit code is 8 when something is damaged, or was not mended.`,
		Example: "  sourdine vault verify --home /var/lib/sourdine",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := vault.VerifyOptions{Repair: repair, Progress: progress(cmd.ErrOrStderr())}
			found, err := admin.Verify(cmd.Context(), home, o)
			if errors.Is(err, vault.ErrLocked) {
				return cli.Failure{Err: err, Code: exitLocked, Hint: "stop the server first, or verify a home that was restored from a backup"}
			}
			if err != nil {
				return err
			}
			if err := printVerified(cmd.OutOrStdout(), found, asJSON); err != nil {
				return err
			}
			return damaged(found)
		},
	}
	addHome(cmd, &home)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&repair, "repair", false, "mend what has a second good copy")
	return cmd
}

// damaged is the error that gives damage its exit code.
func damaged(found admin.Verified) error {
	if found.Sound() {
		return nil
	}
	lost := 0
	for _, a := range found.Submissions {
		if !a.Readable {
			lost++
		}
	}
	err := fmt.Errorf("the home is damaged: %d submissions cannot be read, %d are fine", lost, found.Fine.Submissions)
	return cli.Failure{Err: err, Code: exitDamaged, Hint: "copy the home as it is before anything else, then restore a backup beside it"}
}

// progress tells how far verify is, from time to time.
func progress(w io.Writer) func(done, of int64) {
	last := time.Now()
	return func(done, of int64) {
		if time.Since(last) < verifyPause {
			return
		}
		last = time.Now()
		fmt.Fprintf(w, "%d of %d MiB\n", done>>20, of>>20)
	}
}

func printVerified(w io.Writer, found admin.Verified, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(found)
	}
	for _, text := range found.Damage {
		fmt.Fprintf(w, "damaged: %s\n", text)
	}
	for _, a := range found.Submissions {
		fmt.Fprintf(w, "damaged: %s\n", a)
	}
	for _, text := range found.Mended {
		fmt.Fprintf(w, "mended: %s\n", text)
	}
	for _, text := range found.Unchecked {
		fmt.Fprintf(w, "not checked: %s\n", text)
	}
	f := found.Fine
	fmt.Fprintf(w, "fine: %d submissions, %d channels with %d rosters, %d mailboxes with %d receipts and %d replies, %d orders, %d leaves of the log, %d keys in slots, %d other files\n",
		f.Submissions, f.Channels, f.Rosters, f.Mailboxes, f.Receipts, f.Replies, f.Orders, f.Leaves, f.Slots, found.Files)
	return nil
}
