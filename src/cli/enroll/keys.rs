//! The keyboard of a roster: each key by itself, without Enter, and unseen.
//!
//! In: a terminal, or lines. Out: keys as they are pressed. Never: a terminal left without its echo.

use std::{io::BufRead, thread};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, read};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::host::platform::terminal::Quiet;

/// What is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// A letter or digit.
    Letter(char),
    /// Enter.
    Enter,
    /// The last letter goes.
    Erase,
    /// What was found is taken over.
    Tab,
    /// The next of what was found.
    Down,
    /// The one before.
    Up,
    /// Everything that was typed goes.
    Escape,
    /// A whole line, where there is no terminal.
    Line(String),
    /// The terminal has another size.
    Resized,
}

/// Keys as they are pressed; the terminal is as it was once this is dropped.
pub struct Keyboard {
    pressed: UnboundedReceiver<Pressed>,
    _quiet: Option<Quiet>,
}

impl Keyboard {
    /// The keys of a terminal.
    pub fn of_terminal() -> Self {
        let _quiet = Quiet::begin();
        let (press, pressed) = unbounded_channel();
        thread::spawn(move || {
            while let Ok(event) = read() {
                if let Some(key) = key(&event)
                    && press.send(key).is_err()
                {
                    return;
                }
            }
        });
        Self { pressed, _quiet }
    }

    /// Lines, each of which is a key.
    pub fn of_lines() -> Self {
        let (press, pressed) = unbounded_channel();
        thread::spawn(move || {
            let lines = std::io::stdin().lock().lines().map_while(Result::ok);
            for line in lines {
                if press.send(Pressed::Line(line.trim().to_owned())).is_err() {
                    return;
                }
            }
        });
        Self { pressed, _quiet: None }
    }

    /// The next key; none once there are no more.
    pub async fn next(&mut self) -> Option<Pressed> {
        self.pressed.recv().await
    }
}

fn key(event: &Event) -> Option<Pressed> {
    match event {
        Event::Key(KeyEvent { kind: KeyEventKind::Press | KeyEventKind::Repeat, code, .. }) => match code {
            KeyCode::Char(letter) => Some(Pressed::Letter(*letter)),
            KeyCode::Enter => Some(Pressed::Enter),
            KeyCode::Backspace => Some(Pressed::Erase),
            KeyCode::Tab => Some(Pressed::Tab),
            KeyCode::Down => Some(Pressed::Down),
            KeyCode::Up => Some(Pressed::Up),
            KeyCode::Esc => Some(Pressed::Escape),
            _ => None,
        },
        Event::Resize(..) => Some(Pressed::Resized),
        _ => None,
    }
}
