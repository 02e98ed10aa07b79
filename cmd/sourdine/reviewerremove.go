package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
)

func reviewerRemoveCommand() *cobra.Command {
	var home, channel string
	cmd := &cobra.Command{
		Use:   "remove --home DIR --channel NAME FINGERPRINT|NAME",
		Short: "take a reviewer off a channel's roster",
		Long: `remove takes a reviewer off a channel's roster, by the fingerprint or by a name
that only one on it has. What sources send from now on is not sealed to this
reviewer; an upload that has begun still may be. Every desk shows the removal. What
this reviewer's desk orders for the channel is refused from now on, and parcels for
this reviewer hold nothing of it, of what came before neither; one who is on no other
roster cannot reach pickup any more. The parcel for all, which everybody at pickup can
take, still has what came before.

What was sealed to this reviewer stays so: who has the reviewer's private key and
a parcel, or a copy of the server's files, can go on reading it. Removing somebody
takes nothing back.

The only reviewer of a channel cannot be removed: add another one first.`,
		Example: "  sourdine reviewer remove --home /var/lib/sourdine --channel Nice Alice",
		Args:    cli.Args("FINGERPRINT|NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				removed, err := a.RemoveReviewer(cmd.Context(), channel, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), removed.Fingerprint)
				say := cmd.ErrOrStderr()
				fmt.Fprintln(say, "what was sealed to this reviewer before can still be opened with their key")
				if len(removed.Elsewhere) > 0 {
					fmt.Fprintf(say, "this reviewer is still on the roster of: %s\n", strings.Join(removed.Elsewhere, ", "))
				}
				return nil
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's name (required)")
	_ = cmd.MarkFlagRequired("channel") // fails only for a flag that is not there
	return cmd
}
