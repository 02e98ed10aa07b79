package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
	"sourdine/journalist-ui/witness"
)

func restoredCommand() *cobra.Command {
	var f deskFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restored --home DIR --passphrase-file F",
		Short: "show what a server that was restored from a backup has lost",
		Long: `restored shows the restorations that the server's log tells of and that nobody at
this desk has accepted: when it was, and what this desk had seen that is gone.

Whoever took the server over could make the log say the same. So nothing that comes
from it is relied on until you have the admin's word for it: "sourdine restore"
told the admin twelve words. Let them be read to you, by telephone or face to face,
never by way of the server, and type them, in French or in English.`,
		Example: `  sourdine-desk restored --home ~/desk --passphrase-file pass.txt
  sourdine-desk restored accept --home ~/desk --passphrase-file pass.txt abandon ability able …`,
		Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				all, err := d.Restorations()
				if err != nil {
					return err
				}
				if asJSON {
					return printRestorations(cmd.OutOrStdout(), all)
				}
				return tellRestorations(ctx, cmd, d, all)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(acceptRestoredCommand())
	return cmd
}

func acceptRestoredCommand() *cobra.Command {
	var f deskFlags
	cmd := &cobra.Command{
		Use:   "accept --home DIR --passphrase-file F WORD…",
		Short: "accept it, with the twelve words that the admin told you",
		Long: `accept takes the twelve words of a restoration, in French or in English; capitals
and accents do not matter. The next parcel from the restored server is then taken in,
this one again or a newer one. What the server has lost stays at this desk, and what
it has forgotten of your return parcels goes to it again with the next one.`,
		Example: "  sourdine-desk restored accept --home ~/desk --passphrase-file pass.txt abandon ability able …",
		RunE: func(cmd *cobra.Command, words []string) error {
			return f.open(cmd, func(_ context.Context, d *desk.Desk) error {
				r, err := d.AcceptRestored(strings.Join(words, " "))
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "accepted: the server was restored on %s; now import its parcel again, or a newer one\n", visible.Line(r.Day))
				return nil
			})
		},
	}
	f.add(cmd)
	return cmd
}

func printRestorations(w io.Writer, all []witness.Restoration) error {
	raw, err := json.MarshalIndent(slices.Concat([]witness.Restoration{}, all), "", "  ")
	if err != nil {
		return fmt.Errorf("failed to encode: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", plainJSON(raw))
	return err
}

func tellRestorations(ctx context.Context, cmd *cobra.Command, d *desk.Desk, all []witness.Restoration) error {
	w := cmd.OutOrStdout()
	for _, r := range all {
		state := "waits for the admin's twelve words"
		if r.Accepted {
			state = "accepted: import a parcel from the server"
		}
		fmt.Fprintf(w, "restored on %s: %s\n", visible.Line(r.Day), state)
		fmt.Fprintf(w, "  of the %d entries of the log that this desk has seen, the last %d are gone: %d submissions, %d deletions, %d changes of reviewers or policies\n",
			r.Known, r.Gone.Leaves, len(r.Gone.Submissions), r.Gone.Deletions, r.Gone.Changes)
		if err := tellGone(ctx, w, d, r); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing waits: the server's log goes on from what this desk has seen")
		return nil
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "some of it may have come into the restored log again: the next import tells")
	return nil
}

// tellGone lists the submissions, and which of them are at this desk.
func tellGone(ctx context.Context, w io.Writer, d *desk.Desk, r witness.Restoration) error {
	var rows [][]string
	for _, s := range r.Gone.Submissions {
		where := "here"
		_, err := d.Casebook().Submission(ctx, s.ID)
		switch {
		case errors.Is(err, casebook.ErrNotFound):
			where = "not here"
		case err != nil:
			return err
		}
		rows = append(rows, []string{s.ID, visible.Line(s.Day), visible.Line(s.Channel), where})
	}
	printTable(w, "  ", rows)
	return nil
}

// waitsForWords says that a return parcel will be refused.
func waitsForWords(w io.Writer, d *desk.Desk) error {
	all, err := d.Restorations()
	if err == nil && len(all) > 0 {
		fmt.Fprintln(w, "note: the server was restored from a backup, and refuses return parcels of this desk until that is accepted here: sourdine-desk restored")
	}
	return err
}

// isRestored reports whether a parcel was refused because nobody has accepted yet
// that the server was restored.
func isRestored(r desk.Report) bool {
	return slices.ContainsFunc(r.Parcel, func(f witness.Finding) bool { return f.Kind == witness.Restored })
}
