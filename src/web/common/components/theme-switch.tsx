import './theme-switch.css';
import { useId } from 'preact/hooks';
import { texts } from '../texts.ts';
import { chooseTheme, theme, themes } from '../theme.ts';
import { MonitorIcon, MoonIcon, SunIcon } from './icons.tsx';

const faces = {
  system: { Icon: MonitorIcon, label: texts.shared.themeSystem },
  light: { Icon: SunIcon, label: texts.shared.themeLight },
  dark: { Icon: MoonIcon, label: texts.shared.themeDark },
};

/** Three radio buttons: as the system, light, dark. */
export function ThemeSwitch() {
  const name = useId();
  return (
    <fieldset class="theme-switch">
      <legend class="only-heard">{texts.shared.theme}</legend>
      {themes.map((one) => {
        const { Icon, label } = faces[one];
        return (
          <label key={one}>
            <input type="radio" name={name} checked={theme.value === one} onChange={() => chooseTheme(one)} />
            <Icon size={15} />
            {label}
          </label>
        );
      })}
    </fieldset>
  );
}
