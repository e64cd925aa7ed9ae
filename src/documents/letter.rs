//! The letter that comes with a certificate: US Letter, portrait, as many pages as its text needs.

use std::rc::Rc;
use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior, context};

use super::certificate::{BLACK, GOLD, GREY, NAVY, RED};
use super::sheet::{Imprint, Mark, Role, Sheet, polyline, rectangle, write};
use super::text::{Block, Style, Typesetter};
use super::{Award, DocumentError, Person, Signer, Stationery, in_words};

const WIDTH: f32 = 612.0;
const HEIGHT: f32 = 792.0;
const LEFT: f32 = 76.0;
const MEASURE: f32 = WIDTH - 2.0 * LEFT;
/// Where what is written ends on a page.
const BOTTOM: f32 = 722.0;
/// What the signature takes: room to sign, and the lines below.
const SIGNATURE: f32 = 96.0;

/// What the letter says between its addressee and its signature: a Jinja template, of which a blank line ends a paragraph.
#[derive(Debug, Clone)]
pub struct LetterText {
    source: Arc<str>,
    templates: Arc<Environment<'static>>,
}

impl LetterText {
    /// Reads a template, and tries it on awards of each kind.
    ///
    /// # Errors
    /// What is wrong with it, such as a name that there is none of.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_filter("listed", listed);
        templates.add_filter("quoted", |names: Vec<String>| names.into_iter().map(|name| format!("“{name}”")).collect::<Vec<String>>());
        templates.add_template_owned("letter", source.to_owned()).map_err(|error| sentence(&error))?;
        let text = Self { source: source.into(), templates: Arc::new(templates) };
        for award in samples() {
            text.paragraphs(&award, "Issuer", &Signer { name: None, title: "President".into(), organization: "Issuer".into() })?;
        }
        Ok(text)
    }

    /// The text that is compiled in.
    ///
    /// # Errors
    /// None is expected: a test reads it.
    pub fn shipped() -> Result<Self, String> {
        Self::parse(include_str!("../../assets/letter.txt"))
    }

    /// The template.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn paragraphs(&self, award: &Award, issuer: &str, signer: &Signer) -> Result<Vec<String>, String> {
        let Award { number, standard, check_url, partners, policies, .. } = award;
        let values = context! {
            agency => context! { name => &award.agency, ori => &award.ori },
            signatory => context! { name => &award.signatory.name, title => &award.signatory.title },
            signer => context! { name => &signer.name, title => &signer.title, organization => &signer.organization },
            training => context! { sworn => award.sworn, trained => award.trained, crisis_intervention => award.crisis_trained },
            pledged_on => in_words(award.pledged_on),
            awarded_on => in_words(award.awarded_on),
            issuer, number, standard, check_url, partners, policies,
        };
        let text = self.templates.get_template("letter").and_then(|template| template.render(values)).map_err(|error| sentence(&error))?;
        let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        Ok(paragraphs.filter(|paragraph| !paragraph.is_empty()).collect())
    }
}

fn sentence(error: &minijinja::Error) -> String {
    let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
    format!("{error}{line}")
}

/// `A`, `A and B`, `A, B and C`.
#[expect(clippy::needless_pass_by_value, reason = "filters are given what they work on")]
fn listed(names: Vec<String>) -> String {
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// An award with all that there may be, and one with what there must be.
fn samples() -> [Award; 2] {
    let full = Award {
        number: "OMC-2026-000001".into(),
        agency: "Agency".into(),
        ori: Some("TX0000001".into()),
        signatory: Person { name: "Name".into(), title: "Chief of Police".into() },
        standard: "Standard".into(),
        pledged_on: jiff::civil::date(2025, 1, 1),
        awarded_on: jiff::civil::date(2026, 1, 1),
        revoked_on: None,
        sworn: 1,
        trained: 1,
        crisis_trained: 1,
        partners: vec!["Organization".into()],
        policies: vec!["Policy".into()],
        check_url: "https://registry.example.org/public/certificates/OMC-2026-000001".into(),
    };
    let least = Award { ori: None, partners: Vec::new(), policies: Vec::new(), ..full.clone() };
    [full, least]
}

/// The letter of an award, as PDF.
///
/// # Errors
/// Where the template fails on it, or the PDF can't be made.
pub fn letter(stationery: &Stationery, award: &Award) -> Result<Vec<u8>, DocumentError> {
    let paragraphs = stationery.letter.paragraphs(award, &stationery.issuer, &stationery.signer).map_err(DocumentError::Letter)?;
    let mut typesetter = Typesetter::new();
    // A little smaller is better than a page with a line or two.
    let mut sheets = Vec::new();
    for size in [11.0, 10.5, 10.0] {
        sheets = Composition::compose(&mut typesetter, stationery, award, &paragraphs, size);
        if sheets.len() == 1 {
            break;
        }
    }
    if sheets.len() > 1 {
        sheets = Composition::compose(&mut typesetter, stationery, award, &paragraphs, 11.0);
    }
    let imprint = Imprint {
        title: format!("Letter to {} with certificate {}", award.agency, award.number),
        author: stationery.issuer.clone(),
        id: format!("letter {}", award.number),
        date: award.awarded_on,
    };
    write(&sheets, &imprint, typesetter.fonts())
}

/// Pages that fill from above.
struct Composition<'a> {
    typesetter: &'a mut Typesetter,
    done: Vec<Sheet>,
    sheet: Sheet,
    at: f32,
}

impl<'a> Composition<'a> {
    fn compose(typesetter: &'a mut Typesetter, stationery: &Stationery, award: &Award, paragraphs: &[String], size: f32) -> Vec<Sheet> {
        let mut letter = Self { typesetter, done: Vec::new(), sheet: Sheet::new(WIDTH, HEIGHT), at: 0.0 };
        letter.head(stationery, award);
        let style = Style { leading: 1.45, ..Style::new(size, BLACK) };
        for line in [&award.signatory.name, &award.signatory.title, &award.agency] {
            letter.paragraph(line, Style { leading: 1.3, ..style }, 0.0);
        }
        letter.at += 16.0;
        for paragraph in paragraphs {
            letter.paragraph(paragraph, style, size * 0.75);
        }
        letter.signature(&stationery.signer, size);
        let mut sheets = letter.done;
        sheets.push(letter.sheet);
        sheets
    }

    /// Who writes, whether it still holds, and the day.
    fn head(&mut self, stationery: &Stationery, award: &Award) {
        let name = self.typesetter.fit(&stationery.issuer, Style::new(15.0, NAVY).display(), (MEASURE, 44.0), 11.0);
        let at = self.sheet.text(Role::Heading, name, (LEFT, 56.0));
        let campaign = self.typesetter.set("One Mind Campaign", Style::new(10.5, GREY).italic(), MEASURE);
        self.at = self.sheet.text(Role::Paragraph, campaign, (LEFT, at + 1.0)) + 7.0;
        if let Some(rule) = polyline(&[(LEFT, self.at), (WIDTH - LEFT, self.at)], false) {
            self.sheet.add(Role::Artifact, vec![Mark::Line(rule, GOLD, 1.2)]);
        }
        self.at += 18.0;
        if let Some(day) = award.revoked_on {
            let words = format!("REVOKED on {}. Certification {} no longer holds; this letter is kept for the record.", in_words(day), award.number);
            let notice = self.typesetter.set(&words, Style { ink: [255, 255, 255], ..Style::new(11.0, RED).bold() }, MEASURE - 20.0);
            if let Some(band) = rectangle(LEFT, self.at, MEASURE, notice.height() + 12.0) {
                self.sheet.add(Role::Artifact, vec![Mark::Area(band, RED, 1.0)]);
            }
            self.at = self.sheet.text(Role::Paragraph, notice, (LEFT + 10.0, self.at + 6.0)) + 20.0;
        }
        self.paragraph(&in_words(award.awarded_on), Style::new(11.0, BLACK), 12.0);
    }

    /// Sets a paragraph, over the end of the page where it must.
    fn paragraph(&mut self, text: &str, style: Style, after: f32) {
        let block = Rc::new(self.typesetter.set(text, style, MEASURE));
        let (mut next, mut role) = (0, Role::Paragraph);
        while next < block.layout.len() {
            let mut until = self.fitting(&block, next);
            if until == next {
                self.turn_over();
                until = self.fitting(&block, next).max(next + 1);
            }
            let place = (LEFT, self.at);
            self.at += height(&block, next, until);
            self.sheet.add(role, vec![Mark::Lines(block.clone(), next..until, place)]);
            (next, role) = (until, Role::Continued);
        }
        self.at += after;
    }

    /// The line before which the page ends, when lines are set from `first` on.
    fn fitting(&self, block: &Block, first: usize) -> usize {
        let room = BOTTOM - self.at;
        (first..block.layout.len()).take_while(|line| height(block, first, line + 1) <= room).last().map_or(first, |line| line + 1)
    }

    fn turn_over(&mut self) {
        self.done.push(std::mem::replace(&mut self.sheet, Sheet::new(WIDTH, HEIGHT)));
        self.at = 76.0;
    }

    /// Room for a pen, and who holds it.
    fn signature(&mut self, signer: &Signer, size: f32) {
        if self.at + SIGNATURE > BOTTOM + 20.0 {
            self.turn_over();
        }
        self.at += 42.0;
        let style = Style { leading: 1.3, ..Style::new(size, BLACK) };
        if let Some(name) = &signer.name {
            self.paragraph(name, style.bold(), 0.0);
        }
        self.paragraph(&signer.title, style, 0.0);
        self.paragraph(&signer.organization, style, 0.0);
    }
}

/// The height of some lines of a block.
fn height(block: &Block, first: usize, until: usize) -> f32 {
    let edge = |line: usize, end: fn(&parley::layout::LineMetrics) -> f32| block.layout.get(line).map_or(0.0, |line| end(line.metrics()));
    edge(until - 1, |metrics| metrics.block_max_coord) - edge(first, |metrics| metrics.block_min_coord)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_text_says_what_was_awarded_and_nothing_where_there_is_nothing() {
        let text = LetterText::shipped().unwrap();
        let signer = Signer { name: None, title: "President".into(), organization: "Issuer".into() };
        let [full, least] = samples();
        let said = text.paragraphs(&Award { partners: vec!["A".into(), "B".into(), "C".into()], ..full }, "the Issuer", &signer).unwrap();
        assert_eq!(said.first().unwrap(), "Dear Name:");
        assert_eq!(said.last().unwrap(), "Sincerely,");
        assert!(
            said[2]
                .ends_with("1 held crisis intervention training. Your partnership with A, B and C was in force, and so was your policy, “Policy”.")
        );
        assert!(text.paragraphs(&least, "Issuer", &signer).unwrap()[2].ends_with("1 held crisis intervention training."));
    }

    #[test]
    fn a_template_that_names_what_there_is_not_is_refused() {
        for bad in ["Dear {{ signatory.nmae }}", "{{ nobody }}", "{% if %}", "{{ agency.name|shout }}"] {
            assert!(LetterText::parse(bad).is_err(), "{bad}");
        }
        assert!(LetterText::parse("Dear {{ signatory.name }}{% if agency.ori %} of {{ agency.ori }}{% endif %}").is_ok());
    }

    #[test]
    fn a_long_letter_goes_on_over_the_page_and_no_line_is_lost() {
        let stationery = Stationery {
            issuer: "Issuer".into(),
            signer: Signer { name: Some("Name".into()), title: "President".into(), organization: "Issuer".into() },
            second_signer: None,
            letter: LetterText::parse("x").unwrap(),
        };
        let [award, _] = samples();
        let mut typesetter = Typesetter::new();
        let long = "One sentence follows another. ".repeat(300);
        let paragraphs = [vec![long.clone()], vec!["A short one.".to_owned(); 60]].concat();
        let sheets = Composition::compose(&mut typesetter, &stationery, &award, &paragraphs, 11.0);
        assert!(sheets.len() >= 3, "{}", sheets.len());
        let style = Style { leading: 1.45, ..Style::new(11.0, BLACK) };
        let expected: usize = paragraphs.iter().map(|text| typesetter.set(text, style, MEASURE).layout.len()).sum();
        let of_paragraphs = |mark: &&Mark| matches!(mark, Mark::Lines(block, _, _) if paragraphs.contains(&block.text));
        let lines = |mark: &Mark| if let Mark::Lines(_, lines, _) = mark { lines.len() } else { 0 };
        let drawn: usize = sheets.iter().flat_map(Sheet::marks).filter(of_paragraphs).map(lines).sum();
        assert_eq!(drawn, expected);
        let lowest = sheets.iter().flat_map(Sheet::marks).filter_map(|mark| match mark {
            Mark::Lines(block, lines, (_, top)) => Some(top + height(block, lines.start, lines.end)),
            _ => None,
        });
        assert!(lowest.fold(0.0, f32::max) <= BOTTOM + 25.0);
    }
}
