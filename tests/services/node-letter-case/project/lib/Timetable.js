module.exports = class Timetable {
  constructor(times) {
    this.times = times;
  }

  after(time) {
    return this.times.find((each) => each > time) || null;
  }
};
