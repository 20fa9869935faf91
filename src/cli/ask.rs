//! The questions of an order, put to whoever can answer: the card by a hint, a person at a terminal.
//!
//! In: a question of the station's. Out: an answer, said to the station. Never: an answer that nobody gave.

use std::{
    io::{BufRead, IsTerminal},
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use super::{
    out::{Failure, hint, interrupted},
    session::{self, Session},
};
use crate::host::{
    api::body::{AnswerBody, YesOrNo},
    client::Said,
};

/// True where a person at a terminal can be asked.
pub fn can_be_asked(json: bool) -> bool {
    !json && std::io::stdin().is_terminal()
}

/// Asks whoever can answer: the card by a hint, a person at a terminal. True where the answer leads on.
pub async fn ask(session: &Session<'_>, json: bool, order: &Value, question: &Value) -> Result<bool, Failure> {
    let words = question.text("words");
    let (Some(order), Some(number)) = (order.as_str().and_then(|id| id.parse().ok()), question.at("id").as_u64()) else {
        return Ok(false);
    };
    let nothing = AnswerBody { question: number, answer: Some(YesOrNo::No), printed: None, choice: None, keep: false };
    let answer = match question.text("kind") {
        "second_reading" => {
            hint(words);
            settling(question.at("settle"));
            return Ok(true);
        }
        _ if !can_be_asked(json) => nothing,
        "first_seen" => match line(session, &format!("{words}, or \"yes\" if you know that it is right:")).await {
            Some(yes) if is_yes(&yes) => AnswerBody { answer: Some(YesOrNo::Yes), ..nothing },
            Some(print) if !print.is_empty() => AnswerBody { answer: None, printed: Some(print), ..nothing },
            _ => nothing,
        },
        "choose" => match line(session, &choices(words, question.at("choices"))).await.and_then(|line| line.parse::<usize>().ok()) {
            Some(chosen) => {
                let choice = chosen.checked_sub(1).and_then(|at| question.at("choices").get(at)?.at("choice").as_u64());
                let choice = choice.and_then(|choice| usize::try_from(choice).ok());
                AnswerBody { answer: choice.is_none().then_some(YesOrNo::No), choice, ..nothing }
            }
            None => nothing,
        },
        _ => match line(session, &format!("{words} [y/N]")).await {
            Some(yes) if is_yes(&yes) => AnswerBody { answer: Some(YesOrNo::Yes), ..nothing },
            _ => nothing,
        },
    };
    let leads_on = answer.answer != Some(YesOrNo::No);
    session.client.answer(order, &answer).await.map_err(session::refused)?;
    Ok(leads_on)
}

fn settling(lines: &Value) {
    let lines: Vec<&str> = lines.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !lines.is_empty() {
        hint(&format!("one of these in the configuration would make one tap enough:\n{}", lines.join("\n")));
    }
}

fn choices(words: &str, choices: &Value) -> String {
    let choices = choices.as_array().into_iter().flatten().enumerate();
    let lines = choices.map(|(at, choice)| {
        let text = |name: &str| choice.text(name).to_owned();
        format!("\n  {}  {} ({})", at + 1, text("words"), text("format"))
    });
    format!("{words}{}\ntype its number:", lines.collect::<String>())
}

fn is_yes(line: &str) -> bool {
    matches!(line, "y" | "Y" | "yes")
}

/// How long an answer is waited for; the station gives up a little later.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(55);

/// What the person at the terminal types.
async fn line(session: &Session<'_>, question: &str) -> Option<String> {
    hint(question);
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => answer.ok()?.ok().map(|line| line.trim().to_owned()),
        () = interrupted() => None,
        // Nobody holds up a station that somebody else wants to be, or an order for ever.
        () = session.handed_over() => None,
        () = sleep(ANSWER_TIMEOUT) => None,
    }
}
