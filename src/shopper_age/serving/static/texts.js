// The words of the page, by the browser's language: Russian, else English.
"use strict";

const LANGUAGE = navigator.language.toLowerCase().startsWith("ru") ? "ru" : "en";

const number = (value, digits = 0) =>
  new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: digits }).format(value);

// A threshold is shown as it is, an estimate in whole years.
const years = (value, digits = 0) => {
  const rounded = Number(value.toFixed(digits));
  const form = new Intl.PluralRules(LANGUAGE).select(rounded);
  const unit = LANGUAGE === "ru"
    ? { one: "год", few: "года", many: "лет", other: "года" }[form]
    : { one: "year" }[form] ?? "years";
  return `${number(rounded, digits)} ${unit}`;
};

// Russian after "около" and "шире": the genitive.
const yearsInGenitive = (value, digits = 0) => {
  const rounded = Number(value.toFixed(digits));
  const isOne = new Intl.PluralRules(LANGUAGE).select(rounded) === "one" || !Number.isInteger(rounded);
  return `${number(rounded, digits)} ${isOne ? "года" : "лет"}`;
};

const percent = (share) =>
  new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 0 }).format(share);

const TEXTS = {
  en: {
    title: "How old does this person look?",
    about: "An estimate for the checkout: age, age group, and whether to ask for an ID.",
    dropHere: "Drop a photo here, or",
    choose: "Choose a photo",
    useCamera: "Use the camera",
    takePhoto: "Take the photo",
    closeCamera: "Close the camera",
    noCamera: "The camera cannot be used here: allow it, or choose a photo instead.",
    insecure: "The browser lends its camera to pages of this machine or by HTTPS alone: choose a photo instead.",
    keyAsked: "This server asks for its API key:",
    wrongKey: "That is not this server's key.",
    send: "Send",
    working: "Looking at the photo …",
    done: "Here is the answer.",
    noServer: "The server does not answer.",
    busy: "The server is busy, trying again …",
    refused: (message) => `The server refused: ${message}`,
    privacy: "The photo is worked on in memory and not stored.",
    docs: "For programs",
    photoOf: "The photo, with a box around each face",
    ask: "Ask for an ID",
    pass: "No ID needed",
    askEverybody: "No threshold was strict enough: everybody is asked.",
    unsure: (width) => `Not sure: the interval is wider than ${years(width, 2)}.`,
    below: (age) => `Estimated below ${years(age, 2)}.`,
    above: (age) => `Estimated ${years(age, 2)} or older.`,
    faceCount: (n) => `There are ${n} faces on the photo, so nobody knows who is meant.`,
    face: (n) => `Face ${n}`,
    about_age: (age) => `about ${years(age)}`,
    interval: "Interval",
    intervalIs: (low, high, level) => `${number(low)} to ${number(high)}, right for ${percent(level)} of people`,
    group: "Age group",
    under: (age) => `Chance of being under ${age}`,
    axis: "age in years",
    curve: (low, high) => `How likely each age is; the interval is ${number(low)} to ${number(high)}`,
    problems: {
      no_face: "No face was found on the photo.",
      unreadable_photo: "This file cannot be read as a photo.",
      too_small: "The face is too small: come closer.",
      too_blurred: "The face is too blurred: hold still.",
      turned_away: "The face is turned away: look into the camera.",
    },
    otherProblem: (code) => `There is no estimate: ${code}.`,
  },
  ru: {
    title: "На сколько лет выглядит человек?",
    about: "Оценка для кассы: возраст, возрастная группа и нужно ли спросить документ.",
    dropHere: "Перетащите сюда фотографию или",
    choose: "Выбрать фотографию",
    useCamera: "Включить камеру",
    takePhoto: "Сделать снимок",
    closeCamera: "Закрыть камеру",
    noCamera: "Камера недоступна: разрешите её использовать или выберите фотографию.",
    insecure: "Браузер даёт камеру только страницам этого компьютера или по HTTPS: выберите фотографию.",
    keyAsked: "Сервер просит ключ API:",
    wrongKey: "Это не ключ этого сервера.",
    send: "Отправить",
    working: "Смотрим на фотографию …",
    done: "Ответ готов.",
    noServer: "Сервер не отвечает.",
    busy: "Сервер занят, пробуем ещё раз …",
    refused: (message) => `Сервер отказал: ${message}`,
    privacy: "Фотография обрабатывается в памяти и не сохраняется.",
    docs: "Для программ",
    photoOf: "Фотография с рамкой вокруг каждого лица",
    ask: "Спросите документ",
    pass: "Документ не нужен",
    askEverybody: "Ни один порог не оказался достаточно строгим: спрашивают всех.",
    unsure: (width) => `Нет уверенности: интервал шире ${yearsInGenitive(width, 2)}.`,
    below: (age) => `Оценка ниже порога: ${years(age, 2)}.`,
    above: (age) => `Оценка не ниже порога: ${years(age, 2)}.`,
    faceCount: (n) => `Лиц на фотографии: ${n}. Неясно, о ком речь.`,
    face: (n) => `Лицо ${n}`,
    about_age: (age) => `около ${yearsInGenitive(age)}`,
    interval: "Интервал",
    intervalIs: (low, high, level) => `от ${number(low)} до ${number(high)}, верен для ${percent(level)} людей`,
    group: "Возрастная группа",
    under: (age) => `Вероятность, что младше ${age}`,
    axis: "возраст в годах",
    curve: (low, high) => `Насколько вероятен каждый возраст; интервал от ${number(low)} до ${number(high)}`,
    problems: {
      no_face: "На фотографии не найдено лицо.",
      unreadable_photo: "Этот файл не удаётся прочитать как фотографию.",
      too_small: "Лицо слишком мелкое: подойдите ближе.",
      too_blurred: "Лицо слишком размыто: не двигайтесь.",
      turned_away: "Лицо повёрнуто в сторону: посмотрите в камеру.",
    },
    otherProblem: (code) => `Оценки нет: ${code}.`,
  },
}[LANGUAGE];
