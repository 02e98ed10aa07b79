package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func replyCommand() *cobra.Command {
	var f deskFlags
	var messageFile string
	cmd := &cobra.Command{
		Use:   "reply --home DIR --passphrase-file F SUBMISSION --message-file M",
		Short: "answer the source of a submission",
		Long: `reply seals a text to the mailbox that the source left, and to the reviewers of
the channel. It waits for the next return parcel. The source reads it when they
come back with their passphrase. SUBMISSION may be the beginning of the id.`,
		Example: "  sourdine-desk reply --home ~/desk --passphrase-file pass.txt mzxw6ytb --message-file answer.txt",
		Args:    cli.Args("SUBMISSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readMessage(cmd, messageFile)
			if err != nil {
				return err
			}
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				id, err := d.Casebook().ResolveSubmission(ctx, args[0])
				if err != nil {
					return err
				}
				if _, err := d.Reply(ctx, id, text); err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "the reply is sealed; it goes with the next return parcel: sourdine-desk return")
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&messageFile, "message-file", "", "the file with the text, - for standard input (required)")
	_ = cmd.MarkFlagRequired("message-file") // fails only for a flag that is not there
	return cmd
}

func readMessage(cmd *cobra.Command, path string) (string, error) {
	r := cmd.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("failed to read the message: %w", err)
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, desk.MaxReplyText+1))
	if err != nil {
		return "", fmt.Errorf("failed to read the message: %w", err)
	}
	return string(text), nil
}
