package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/onion"
	"sourdine/vault/admin"
	"sourdine/vault/backup"
)

func restoreCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "restore --home DIR FILE",
		Short: "make a home from a backup that was opened",
		Long: `restore makes a home from a backup: the same onion addresses, channels,
submissions and log. DIR must not exist, or be empty. FILE is the tar that is in
the backup; "-" is standard input. Nothing is restored unless every file is as
it was written and the vault opens.

Into the log restore writes that it went on from a backup, and prints twelve words
of that entry, in French and in English. Desks that have seen what the backup lacks
ask their reviewers for them: read them aloud, by telephone or face to face.

First open the backup, on a machine that has the admin's private key, which must
never be on a server:

  gpg --output backup.tar --decrypt sourdine.pgp

and believe the tar only if gpg ended without an error. It is as secret as the
server: carry it over a safe way, and destroy it afterwards.

Make sure first that the old server will never run again.`,
		Example: "  sourdine restore --home /var/lib/sourdine backup.tar",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if args[0] == "-" {
				in = interruptible(cmd.Context(), in)
			} else {
				f, err := os.Open(args[0])
				if err != nil {
					return unreadable("backup", err)
				}
				defer f.Close()
				in = f
			}
			done, err := admin.Restore(cmd.Context(), home, in)
			if err != nil {
				return explainRestore(err)
			}
			return tellRestored(cmd, done, home)
		},
	}
	addHome(cmd, &home)
	return cmd
}

// interruptible lets ctx end a read that waits. What copies then waits on until
// its input says something, or the program ends, which is at once.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	return out
}

func explainRestore(err error) error {
	switch {
	case errors.Is(err, backup.ErrSealed):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "open it first, where the admin's private key is: gpg --output backup.tar --decrypt FILE"}
	case errors.Is(err, backup.ErrDamaged):
		return cli.Failure{Err: err, Code: exitRefused, Hint: "open the backup again and see whether that ends without an error, or take another one"}
	}
	return err
}

// tellRestored prints what is there again, and what to mind.
func tellRestored(cmd *cobra.Command, done admin.Restoration, dir string) error {
	h, m := done.Home, done.Manifest
	words, err := admin.RestoredWords(done.Leaf)
	if err != nil {
		return err
	}
	// First: what follows may fail, and these are what was done now.
	fmt.Fprintf(cmd.OutOrStdout(), "words-fr %s\nwords-en %s\n", words["fr"], words["en"])
	local, err := admin.Open(h)
	if err != nil {
		return err
	}
	status, err := local.Status(cmd.Context())
	if err := errors.Join(err, local.Close()); err != nil {
		return err
	}
	for _, site := range []string{admin.SourceSite, admin.PickupSite} {
		raw, err := h.ReadOnionKey(site)
		if errors.Is(err, fs.ErrNotExist) { // the home that was backed up had lost it
			continue
		}
		if err != nil {
			return err
		}
		key, err := onion.ParseServiceKey(raw)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", site, key.Address())
	}
	fmt.Fprintf(cmd.OutOrStdout(), "vault-key %s\nday %s\nchannels %d\nsubmissions %d\nlog %d\n",
		m.VaultKey, m.Day, len(status.Channels), status.Submissions, m.LogSize)
	fmt.Fprintf(cmd.ErrOrStderr(), restoredText, m.Day, m.LogSize, dir)
	return nil
}

// restoredText says what a restored server is not.
const restoredText = `restored as it was on %s; what came later is lost
compare the vault-key above with the one that the desks know
the old server must never run again beside this one: two servers with the same keys
  make two logs, and desks take that for a forgery
desks that have seen more than %d entries of the log will say so, as they should, and
  keep what comes from this server apart until their reviewers type the twelve words
  above. Keep the words. Read them to each reviewer whose desk asks, by telephone or
  face to face, in French or in English; never send them through this server, by
  pickup or with a parcel: who took the server over could do that, too
their return parcels are refused until then. The first one after that says again what
  was lost: acknowledgements, deletions, replies to sources
what was deleted after that day is back until then; what channels do not keep any
  more goes with the next line, which asks for the day when the backup is older
  sourdine vault retention --home %s
destroy the opened backup: it is as secret as the server
`
