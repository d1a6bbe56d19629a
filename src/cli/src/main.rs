//! `hotplate`: pushes, watches and deploys a folder through the HTTP API.
//!
//! Knows the API and the folder, nothing of how the platform works inside.

mod api;
mod arguments;
mod connection;
mod deploy;
mod develop;
mod failure;
mod folder;
mod output;
mod push;
mod slug;
mod starter;
mod types;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use output::Output;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    match run(arguments, output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let connect = |near: &std::path::Path| {
        connection::find(arguments.url.as_deref(), arguments.token.as_deref(), near)
            .and_then(api::Api::new)
    };
    match arguments.command {
        Command::Create { app } => starter::create(&connect(".".as_ref())?, &app, output).await,
        Command::Dev(target) => develop::run(&connect(&target.folder)?, &target, output).await,
        Command::Push(target) => {
            let app = target.app()?;
            push::run(&connect(&target.folder)?, &app, &target.folder, output)
                .await
                .map(drop)
        }
        Command::Deploy { target, message } => {
            let api = connect(&target.folder)?;
            let app = target.app()?;
            if target.given() {
                push::run(&api, &app, &target.folder, output).await?;
            }
            deploy::run(&api, &app, message, output).await
        }
        Command::Rollback(app) => {
            let pointer = connect(".".as_ref())?.rollback(&app.slug()?).await?;
            output.pointer(&pointer);
            Ok(())
        }
        Command::Activate { deployment, app } => {
            let pointer = connect(".".as_ref())?
                .activate(&app.slug()?, &deployment)
                .await?;
            output.pointer(&pointer);
            Ok(())
        }
        Command::Types { folder } => types::write(&folder, output),
        Command::List { app } => {
            let api = connect(".".as_ref())?;
            match app {
                Some(app) => output.deployments(&api.deployments(&app).await?),
                None => output.apps(&api.apps().await?),
            }
            Ok(())
        }
    }
}
