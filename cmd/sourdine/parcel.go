package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
)

func parcelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "parcel COMMAND", Short: "what is carried between server and desk",
		Example: "  sourdine parcel export --home /var/lib/sourdine -o parcel.tar",
		RunE:    cli.Group,
	}
	cmd.AddCommand(parcelExportCommand(), parcelApplyCommand())
	return cmd
}

func parcelExportCommand() *cobra.Command {
	var home, output string
	cmd := &cobra.Command{
		Use:   "export --home DIR -o FILE",
		Short: "write a parcel for the desks",
		Long: `export writes everything received so far, sealed, into a parcel that desks
import. It is a plain tar, signed by the vault's key. FILE appears whole or not
at all, and replaces an older one; "-" is standard output.`,
		Example: "  sourdine parcel export --home /var/lib/sourdine -o /media/stick/parcel.tar",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				if output == "-" {
					return a.ExportParcel(cmd.Context(), cmd.OutOrStdout())
				}
				return writeWhole(cmd.Context(), output, a.ExportParcel)
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVarP(&output, "output", "o", "", `the parcel's file, or "-" (required)`)
	_ = cmd.MarkFlagRequired("output") // fails only for a flag that is not there
	return cmd
}

// writeWhole writes beside path, syncs, and moves it there when it is whole: a
// stick that is full or pulled leaves no half parcel under that name.
func writeWhole(ctx context.Context, path string, write func(context.Context, io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("failed to write the parcel: %s is not a file", path) // /dev/null would be replaced
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sourdine-parcel-")
	if err != nil {
		return cli.Failure{Err: fmt.Errorf("failed to write the parcel: %w", err), Code: cli.Failed, Hint: "choose a folder that exists and where you may write"}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(ctx, f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("failed to write the parcel: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("failed to write the parcel: %w", err)
	}
	return nil
}

func parcelApplyCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "apply --home DIR FILE",
		Short: "apply a desk's return parcel (not yet in this version)",
		Long: `apply will take what desks send back. Parcels of this version go from the
server to the desk only, so it refuses every file, and says so.`,
		Example: "  sourdine parcel apply --home /var/lib/sourdine return.tar",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("failed to read the parcel: %w", err)
			}
			defer f.Close()
			return withAdmin(home, func(a admin.Admin) error { return a.ApplyParcel(cmd.Context(), f) })
		},
	}
	addHome(cmd, &home)
	return cmd
}
